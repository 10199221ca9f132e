// setupFiles: ['onnsight/jest']. Jest runs test files in a realm of their own, whose typed arrays are not those that native code makes; this
// puts Node's in their place before anything keeps one.
import { deserialize, serialize } from 'node:v8'

const names = [
  'Float32Array',
  'Float64Array',
  'Int8Array',
  'Int16Array',
  'Int32Array',
  'BigInt64Array',
  'Uint8Array',
  'Uint8ClampedArray',
  'Uint16Array',
  'Uint32Array',
  'BigUint64Array',
] as const

for (const name of names) {
  // What reads it back is Node's, and so is what it gives.
  globalThis[name] = deserialize(serialize(new globalThis[name](0))).constructor as never
}

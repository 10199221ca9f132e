// setupFiles: ['onnsight/jest']. Jest runs test files in a separate realm, whose typed arrays are of other classes than those that native code
// makes. This replaces them by Node's, before any other code keeps a reference to them.
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
  // `deserialize` belongs to Node's realm, so it makes an array of Node's class.
  globalThis[name] = deserialize(serialize(new globalThis[name](0))).constructor as never
}

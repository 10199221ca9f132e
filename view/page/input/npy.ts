/** Writes numbers as a .npy file. */
export function npyOf(data: Float32Array | Uint8Array, dims: readonly number[]): Uint8Array {
  const type = data instanceof Uint8Array ? '|u1' : '<f4'
  const shape = `(${dims.join(', ')}${dims.length === 1 ? ',' : ''})`
  const header = `{'descr': '${type}', 'fortran_order': False, 'shape': ${shape}, }`
  // The numbers begin at a multiple of 64.
  const length = Math.ceil((header.length + 11) / 64) * 64 - 10
  const head = `\x93NUMPY\x01\x00${String.fromCharCode(length & 255, length >> 8)}${header.padEnd(length - 1)}\n`
  const bytes = new Uint8Array(head.length + data.byteLength)
  bytes.set(Array.from(head, char => char.charCodeAt(0)))
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), head.length)
  return bytes
}

import { open } from 'node:fs/promises'
import { InvalidTensorsFileError } from '../errors/files.ts'
import { type ByteSource, readBytes } from '../onnx/files/byte-source.ts'
import { fileSource } from '../onnx/files/file-source.ts'
import { sizeOf, type TensorData } from '../tensor/dtypes/data.ts'
import { bytesOf, type HeldType } from '../tensor/dtypes/dtype.ts'
import { stateOf, Tensor } from '../tensor/tensor.ts'
import { allocateElements, elementBytes, readElements } from './element-bytes.ts'
import { type NpyHeader, npyHeader, readNpyHeader } from './npy-header.ts'

/* npyjs is the only maintained package. It can't write float16, does not check the shape against the file, and ignores fortran_order. */

const codes: Readonly<Partial<Record<HeldType, string>>> = {
  float64: 'f8',
  float32: 'f4',
  float16: 'f2',
  int64: 'i8',
  int32: 'i4',
  int16: 'i2',
  int8: 'i1',
  uint64: 'u8',
  uint32: 'u4',
  uint16: 'u2',
  uint8: 'u1',
  bool: 'b1',
}
const types = new Map(Object.entries(codes).map(([type, code]) => [code, type as HeldType]))

/** The most bytes before a header's text: the magic string, the version and the length. */
const PREFIX_BYTES = 12
/** A limit far beyond the header of any real file. */
const MAX_HEADER_BYTES = 2 ** 20

/**
 * Reads the array of a .npy file as a tensor, also from column-major order. Texts (`<U`) become `string`. Objects and records are refused.
 * @throws InvalidTensorsFileError; what the file system throws
 */
export async function readNpy(path: string): Promise<Tensor> {
  const file = await open(path, 'r')
  try {
    return await tensorOfNpy(fileSource(file, (await file.stat()).size), path)
  } finally {
    await file.close()
  }
}

/** Reads the bytes of a .npy file. Messages name the path. @throws InvalidTensorsFileError */
export async function tensorOfNpy(source: ByteSource, path: string): Promise<Tensor> {
  const start = await readBytes(source, 0, Math.min(source.size, PREFIX_BYTES + MAX_HEADER_BYTES))
  const header = readNpyHeader(start, reason => invalid(path, reason))
  return Tensor.of(await readArray(source, header, path))
}

async function readArray(source: ByteSource, header: NpyHeader, path: string): Promise<TensorData> {
  const [, order, code] = /^([<>|])(\w+)$/.exec(header.descr) ?? []
  const letters = code?.startsWith('U') ? Number(code.slice(1)) : undefined
  const type: HeldType | undefined = letters === undefined ? types.get(code) : 'string'
  if (!type || (letters !== undefined && !(letters >= 0)))
    throw invalid(path, `its dtype is ${header.descr}, which no tensor has`)
  const width = letters === undefined ? bytesOf(type) : 4 * letters
  const count = sizeOf(header.shape)
  // Check before allocating: a small file may claim to be a huge array. `<U0` takes no bytes at all.
  const isWhole = Number.isSafeInteger(count) && header.offset + count * width === source.size
  if (!isWhole || (width === 0 && count > source.size))
    throw invalid(path, 'its shape and its bytes do not go together')
  const data = allocateElements(
    letters === undefined ? type : 'uint32',
    letters === undefined ? count : letters * count,
    reason => invalid(path, reason),
  )
  await readElements(source, header.offset, data).catch(error => {
    throw error instanceof RangeError ? invalid(path, 'it has become shorter') : error
  })
  if (order === '>') for (const bytes of elementBytes(data)) swap(bytes, letters === undefined ? width : 4)
  if (type === 'bool') for (let i = 0; i < count; i++) data[i] = data[i] === 0 ? 0 : 1
  const elements = letters === undefined ? data : texts(data, letters, count, path)
  const dims = [...header.shape]
  return { type, dims, data: header.fortran ? rowMajor(elements, dims) : elements }
}

function texts(points: Uint32Array, letters: number, count: number, path: string): string[] {
  return Array.from({ length: count }, (_, i) => {
    let text = ''
    for (let j = 0; j < letters; j++) {
      const point = points[i * letters + j]
      if (point > 0x10ffff) throw invalid(path, `it holds ${point}, which is not a character`)
      text += String.fromCodePoint(point)
    }
    return text.replace(/\0+$/, '')
  })
}

function swap(bytes: Uint8Array, width: number): void {
  for (let at = 0; at < bytes.length; at += width) bytes.subarray(at, at + width).reverse()
}

/** Reorders column-major elements to row-major. */
function rowMajor(data: TensorData['data'], dims: readonly number[]): TensorData['data'] {
  const result = data.slice() as unknown[]
  const strides = dims.map((_, axis) => sizeOf(dims.slice(0, axis)))
  const index = dims.map(() => 0)
  let from = 0
  for (let to = 0; to < data.length; to++) {
    result[to] = data[from]
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      from += strides[axis]
      if (++index[axis] < dims[axis]) break
      from -= strides[axis] * dims[axis]
      index[axis] = 0
    }
  }
  return result as unknown as TensorData['data']
}

/** A tensor as the bytes of a .npy file, for `numpy.load`. @throws InvalidTensorsFileError for texts that end in a NUL */
export function npyParts(path: string, tensor: Tensor): Uint8Array[] {
  const { type, dims, data } = stateOf(tensor).data()
  if (Array.isArray(data)) return textParts(path, data, dims)
  const code = codes[type]!
  return [npyHeader(`${code.endsWith('1') ? '|' : '<'}${code}`, dims), ...elementBytes(data)]
}

function textParts(path: string, data: readonly string[], dims: readonly number[]): Uint8Array[] {
  const points = data.map(text => Array.from(text, letter => letter.codePointAt(0)!))
  if (points.some(text => text.at(-1) === 0)) throw invalid(path, 'a text that ends in a NUL would lose it')
  const letters = points.reduce((most, text) => Math.max(most, text.length), 1)
  const bytes = new DataView(new ArrayBuffer(4 * letters * data.length))
  points.forEach((text, i) => {
    for (const [j, point] of text.entries()) bytes.setUint32(4 * (i * letters + j), point, true)
  })
  return [npyHeader(`<U${letters}`, dims), new Uint8Array(bytes.buffer)]
}

const invalid = (path: string, reason: string): InvalidTensorsFileError =>
  new InvalidTensorsFileError(path, reason, undefined, '.npy')

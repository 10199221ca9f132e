import { open } from 'node:fs/promises'
import { InvalidTensorsFileError } from '../errors/files.ts'
import { type ByteSource, readBytes } from '../onnx/files/byte-source.ts'
import { fileSource } from '../onnx/files/file-source.ts'
import { sizeOf, type TensorData } from '../tensor/dtypes/data.ts'
import { bytesOf, type HeldType, type TensorArray } from '../tensor/dtypes/dtype.ts'
import { stateOf, Tensor } from '../tensor/tensor.ts'
import { allocateElements, elementBytes, readElements } from './element-bytes.ts'

/* The format is a length, a JSON header and the tensors' bytes. No maintained package reads or writes it in Node. */

const names: Readonly<Partial<Record<HeldType, string>>> = {
  float64: 'F64',
  float32: 'F32',
  float16: 'F16',
  int64: 'I64',
  int32: 'I32',
  int16: 'I16',
  int8: 'I8',
  uint64: 'U64',
  uint32: 'U32',
  uint16: 'U16',
  uint8: 'U8',
  bool: 'BOOL',
}
const types = new Map(Object.entries(names).map(([type, name]) => [name, type as HeldType]))

/** A limit far beyond the header of any real file. */
const MAX_HEADER_BYTES = 100 * 2 ** 20

const HOW_TO_PASS = 'give tensors by name: { hidden, logits }; a cache is written by cache({ file })'

interface Entry {
  readonly dtype: string
  readonly shape: readonly number[]
  readonly data_offsets: readonly [number, number]
}

/**
 * Writes tensors to a safetensors file, to be read by Python's `safetensors` or `readSafetensors`.
 * @throws InvalidTensorsFileError for tensors of text; NotSavedError, NotComputedError for those without a value
 */
export async function writeSafetensors(path: string, tensors: Readonly<Record<string, Tensor>>): Promise<void> {
  const parts = safetensorsParts(path, tensors)
  const file = await open(path, 'w')
  try {
    for (const part of parts) if (part.length > 0) await file.writeFile(part)
  } finally {
    await file.close()
  }
}

/** Tensors as the bytes of a safetensors file. Messages name the path. @throws as writeSafetensors does */
export function safetensorsParts(
  path: string,
  tensors: Readonly<Record<string, Tensor>>,
  metadata?: Readonly<Record<string, string>>,
): Uint8Array[] {
  const stored = Object.entries(tensors).map(([name, tensor]): StoredTensor => {
    if (!(tensor instanceof Tensor))
      throw new InvalidTensorsFileError(path, `${name} is not a tensor`, undefined, 'safetensors', HOW_TO_PASS)
    const { type, dims, data } = stateOf(tensor).data()
    const dtype = names[type]
    if (!dtype || Array.isArray(data))
      throw new InvalidTensorsFileError(path, `${name} is of ${type}, and safetensors holds numbers`)
    return { name, dtype, dims, data }
  })
  return storedParts(stored, metadata)
}

/** A tensor as a safetensors file stores it. */
export interface StoredTensor {
  readonly name: string
  /** The format's name of the dtype: `F32`, `BF16`. */
  readonly dtype: string
  readonly dims: readonly number[]
  readonly data: Exclude<TensorArray, string[]>
}

/**
 * The bytes of a safetensors file.
 * @param metadata texts by name, which readers show as the file's metadata
 * @param multiple the tensors' bytes begin at a multiple of it; the format asks for eight
 */
export function storedParts(
  tensors: readonly StoredTensor[],
  metadata?: Readonly<Record<string, string>>,
  multiple = 8,
): Uint8Array[] {
  const header: Record<string, Entry | Readonly<Record<string, string>>> = metadata ? { __metadata__: metadata } : {}
  const parts: Uint8Array[] = []
  let offset = 0
  for (const { name, dtype, dims, data } of tensors) {
    header[name] = { dtype, shape: dims, data_offsets: [offset, offset + data.byteLength] }
    offset += data.byteLength
    parts.push(...elementBytes(data))
  }
  const text = Buffer.from(JSON.stringify(header))
  const begin = Math.ceil((8 + text.length) / multiple) * multiple
  const start = Buffer.alloc(begin, ' ')
  start.writeBigUInt64LE(BigInt(begin - 8))
  text.copy(start, 8)
  return [start, ...parts]
}

/** The tensors of a safetensors file, by name. bfloat16 becomes float32. @throws InvalidTensorsFileError */
export async function readSafetensors(path: string): Promise<Record<string, Tensor>> {
  const file = await open(path, 'r')
  try {
    const { size } = await file.stat()
    return (await readTensors(fileSource(file, size), path)).tensors
  } finally {
    await file.close()
  }
}

/** The tensors and the metadata of safetensors bytes. Messages name `what`. @throws InvalidTensorsFileError */
export async function readTensors(
  source: ByteSource,
  what: string,
): Promise<{ readonly tensors: Record<string, Tensor>; readonly metadata: Readonly<Record<string, string>> }> {
  const { size } = source
  const start = Buffer.from(await readBytes(source, 0, Math.min(size, 8)))
  const length = size < 8 ? 0 : Number(start.readBigUInt64LE())
  if (size < 8 || length > MAX_HEADER_BYTES || 8 + length > size)
    throw new InvalidTensorsFileError(what, 'it is not a safetensors file, or it is incomplete')
  const { __metadata__: metadata = {}, ...entries } = await readHeader(source, length, what)
  const tensors: Record<string, Tensor> = {}
  for (const [name, entry] of Object.entries(entries))
    tensors[name] = Tensor.of(await readTensor(source, 8 + length, entry as Entry, `${what}: ${name}`))
  return { tensors, metadata: metadata as Record<string, string> }
}

async function readHeader(source: ByteSource, length: number, path: string): Promise<Record<string, unknown>> {
  const json = Buffer.from(await readBytes(source, 8, length))
  try {
    return JSON.parse(json.toString('utf8')) as Record<string, unknown>
  } catch (cause) {
    throw new InvalidTensorsFileError(path, 'its header is not JSON', cause)
  }
}

async function readTensor(
  source: ByteSource,
  base: number,
  { dtype, shape, data_offsets }: Entry,
  what: string,
): Promise<TensorData> {
  const isBrain = dtype === 'BF16'
  const type = isBrain ? 'uint16' : types.get(dtype)
  if (!type) throw new InvalidTensorsFileError(what, `its dtype is ${dtype}, which is not known here`)
  const isWhole = Array.isArray(shape) && shape.every(dim => Number.isSafeInteger(dim) && dim >= 0)
  const [from, to] = Array.isArray(data_offsets) ? data_offsets : [0, -1]
  // Check before allocating: a small file may claim to be a huge tensor.
  if (!isWhole || from < 0 || to - from !== sizeOf(shape) * bytesOf(type) || base + to > source.size)
    throw new InvalidTensorsFileError(what, 'its shape and its bytes do not go together')
  const refused = (reason: string, cause: unknown) => new InvalidTensorsFileError(what, reason, cause)
  const data = allocateElements(type, sizeOf(shape), refused)
  await readElements(source, base + from, data).catch(error => {
    throw error instanceof RangeError ? refused('the file has become shorter', error) : error
  })
  if (!isBrain) return { type, dims: [...shape], data }
  const words = allocateElements('uint32', data.length, refused)
  for (let i = 0; i < data.length; i++) words[i] = data[i] << 16
  return { type: 'float32', dims: [...shape], data: new Float32Array(words.buffer) }
}

import { InvalidTensorsFileError } from '../../runtime/errors/files.ts'
import { ArgumentError } from '../../runtime/errors/tensor.ts'
import type { Tensor } from '../../runtime/tensor/tensor.ts'

/** Tensors by name, or the path of a safetensors or .npz file, which Node reads. */
export type TensorsSource = string | Readonly<Record<string, Tensor>>

/** The first of these files in a folder; any other path is given back. */
export async function fileIn(path: string, names: readonly string[]): Promise<string> {
  const { readdir } = await import('node:fs/promises')
  const found = new Set(await readdir(path).catch(() => []))
  const name = names.find(one => found.has(one))
  return name === undefined ? path : `${path}/${name}`
}

/** @throws InvalidTensorsFileError; ArgumentError for a file of PyTorch; MissingPackageError if fflate is missing for an .npz file */
export async function tensorsOf(source: TensorsSource): Promise<Readonly<Record<string, Tensor>>> {
  if (typeof source !== 'string') return source
  // Node's modules are imported only when a path is given, because browsers have no files.
  const start = await startOf(source)
  if (isPickle(start)) throw pickled(source)
  if (zippedName(start) !== undefined) {
    const { readNpz } = await import('../../runtime/tensor-files/npz.ts')
    return readNpz(source)
  }
  const { readSafetensors } = await import('../../runtime/tensor-files/safetensors.ts')
  return readSafetensors(source)
}

/** Enough for the head of a zip archive's first entry. */
const START_BYTES = 512

async function startOf(path: string): Promise<Uint8Array> {
  const { open } = await import('node:fs/promises')
  let file: Awaited<ReturnType<typeof open>> | undefined
  try {
    file = await open(path)
    const { bytesRead, buffer } = await file.read(new Uint8Array(START_BYTES), 0, START_BYTES, 0)
    return buffer.subarray(0, bytesRead)
  } catch (error) {
    throw new InvalidTensorsFileError(path, 'it can’t be read', error, 'tensors', 'check the path')
  } finally {
    await file?.close()
  }
}

/** The name of a zip archive's first entry; undefined for any other file. */
function zippedName(start: Uint8Array): string | undefined {
  const view = new DataView(start.buffer, start.byteOffset, start.byteLength)
  const [SIGNATURE, LENGTH_AT, NAME_AT] = [0x04034b50, 26, 30]
  if (start.length < NAME_AT || view.getUint32(0, true) !== SIGNATURE) return undefined
  return new TextDecoder().decode(start.subarray(NAME_AT, NAME_AT + view.getUint16(LENGTH_AT, true)))
}

/**
 * Whether `torch.save` wrote the file: an archive that begins with a pickle, or before PyTorch 1.6 the pickle itself. The length with which a
 * safetensors file begins may look like one, but its JSON begins at byte 8.
 */
const isPickle = (start: Uint8Array): boolean =>
  zippedName(start)?.endsWith('/data.pkl') ?? (start[0] === 0x80 && start[1] === 2 && start[8] !== 0x7b)

const pickled = (path: string): ArgumentError => {
  const target = `${path.replace(/\.\w+$/, '')}.safetensors`
  return new ArgumentError(
    `${path} is a file of torch.save, which only Python reads.`,
    undefined,
    `convert it once, with: python3 -c "import torch, safetensors.torch as s; s.save_file(torch.load('${path}', map_location='cpu'), '${target}')"`,
  )
}

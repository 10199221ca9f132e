import { statSync } from 'node:fs'
import { open } from 'node:fs/promises'
import type { FileRange } from '../files/parts.ts'
import { mainTensorsOf } from '../message/tensors.ts'
import type { ModelFile } from '../reading/read.ts'
import type { TensorProto } from '../schema/onnx_pb.ts'
import { rangeOf } from '../writing/placing.ts'
import { type CacheOptions, cachedFile } from './cache-folder.ts'
import { readIndex, type SidecarIndex } from './sidecar-index.ts'
import { isUnaligned, layOut, rangeKey, type SidecarLayout } from './sidecar-layout.ts'
import { type Packing, writeSidecar } from './write-sidecar.ts'

export interface SidecarOptions extends CacheOptions {
  /** Packs the weights. Without it, the sidecar has the copy alone. */
  readonly packing?: Packing | undefined
}

/** A state of a file: another file in its place has another one. */
interface FileState {
  readonly size: number
  readonly ino: number
}

/** A copy of a model's large tensors in a file of its own, each at the start of a page, and the same as onnxruntime packs them. */
export class Sidecar {
  readonly file: string
  readonly #state: FileState
  readonly #layout: SidecarLayout
  readonly #payloadsAt: number
  /** The entries of external data that lead to packed weights, by payload. */
  readonly #packed = new Map<number, string[]>()

  constructor(
    file: string,
    state: FileState,
    layout: SidecarLayout,
    index: SidecarIndex & { readonly payloadsAt: number },
  ) {
    this.file = file
    this.#state = state
    this.#layout = layout
    this.#payloadsAt = index.payloadsAt
    for (const { payload, key, parts } of index.packed) {
      const entry = [key, ...parts.map(([offset, length]) => `${offset};${length};0`)].join('|')
      this.#packed.set(payload, [...(this.#packed.get(payload) ?? []), entry])
    }
  }

  /** Whether the file is still there: a cache may be cleared, and a file in it replaced, at any time. */
  exists(): boolean {
    const state = statSync(this.file, { throwIfNoEntry: false })
    return state?.size === this.#state.size && state.ino === this.#state.ino
  }

  /** Offset in bytes of a tensor's elements; undefined if they are not in the sidecar. */
  offsetOf(tensor: TensorProto): number | undefined {
    const number = this.#numberOf(tensor)
    return number === undefined ? undefined : this.#payloadsAt + this.#layout.offsets[number]
  }

  /** The packed forms of a tensor, as onnxruntime wants them in its external data: the key, then `offset;length;checksum` of each part. */
  packedOf(tensor: TensorProto): readonly string[] {
    return this.#packed.get(this.#numberOf(tensor) ?? -1) ?? []
  }

  #numberOf(tensor: TensorProto): number | undefined {
    const range = rangeOf(tensor)
    return range && this.#layout.numbers.get(rangeKey(range))
  }
}

/**
 * The sidecar of a model, written into the folder if it is missing there or incomplete. Undefined if the model needs none, because its
 * weights are small enough to be in the message, or aligned and not packed.
 * @throws CacheFolderError, ExternalDataError if a file of the model has changed since it was read, the signal's reason
 */
export async function openSidecar(
  model: ModelFile,
  folder: string,
  options: SidecarOptions = {},
): Promise<Sidecar | undefined> {
  const payloads = payloadsOf(model)
  const isCopied = isUnaligned(payloads)
  const { packing, signal } = options
  if (payloads.length === 0 || !(isCopied || packing)) return undefined
  const layout = layOut(payloads, model.sources, packing?.packer)
  const file = await cachedFile(
    folder,
    {
      name: layout.name,
      // The packed weights are about as large as the others, and those of one block lie beside them twice.
      size: [layout.size, packing ? 3 * layout.size : layout.size],
      isWhole: async path => (await stateOf(path, layout)) !== undefined,
      isEarlier: layout.isEarlier,
      write: (handle, written) =>
        writeSidecar(handle, { model, payloads, layout, isCopied, packing, folder, written, signal }),
    },
    options,
  )
  const found = await stateOf(file, layout)
  if (found?.index.payloadsAt === undefined) return undefined
  return new Sidecar(file, found, layout, { ...found.index, payloadsAt: found.index.payloadsAt })
}

/** The ranges in files of the tensors that a session can map. */
function payloadsOf({ message }: ModelFile): FileRange[] {
  const payloads = new Map<string, FileRange>()
  for (const tensor of mainTensorsOf(message)) {
    const range = rangeOf(tensor)
    if (range) payloads.set(rangeKey(range), range)
  }
  return [...payloads.values()]
}

/**
 * The state and the index of a file, if it is whole: its header lists the model's files, all payloads and the file's own date, which any
 * later write changes, and the index at its end was written last.
 */
async function stateOf(
  path: string,
  layout: SidecarLayout,
): Promise<(FileState & { readonly index: SidecarIndex }) | undefined> {
  try {
    const handle = await open(path)
    try {
      const { size, ino, mtime } = await handle.stat()
      const expected = layout.header(mtime)
      const found = new Uint8Array(expected.length)
      await handle.read(found, 0, found.length, 0)
      const index = Buffer.compare(found, expected) === 0 ? await readIndex(handle, size) : undefined
      return index && { size, ino, index }
    } finally {
      await handle.close()
    }
  } catch {
    return undefined
  }
}

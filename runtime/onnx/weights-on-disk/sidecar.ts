import { statSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { assertUnchanged } from '../files/file-identity.ts'
import { type FileRange, writeParts } from '../files/parts.ts'
import { mainTensorsOf } from '../message/tensors.ts'
import type { ModelFile } from '../reading/read.ts'
import type { TensorProto } from '../schema/onnx_pb.ts'
import { rangeOf } from '../writing/placing.ts'
import { type CacheOptions, cachedFile } from './cache-folder.ts'
import { isUnaligned, layOut, rangeKey, type SidecarLayout } from './sidecar-layout.ts'

/** A copy of a model's large tensors in a file of its own, each at the start of a page. */
export class Sidecar {
  readonly file: string
  readonly #layout: SidecarLayout

  constructor(file: string, layout: SidecarLayout) {
    this.file = file
    this.#layout = layout
  }

  /** Anyone may clear a cache at any time. */
  isThere(): boolean {
    return statSync(this.file, { throwIfNoEntry: false })?.size === this.#layout.size
  }

  /** Where a tensor's elements begin; undefined if they lie in no file. */
  offsetOf(tensor: TensorProto): number | undefined {
    const range = rangeOf(tensor)
    return range && this.#layout.offsets.get(rangeKey(range))
  }
}

/**
 * The sidecar of a model, written into the folder if it is not there, or not whole. Undefined where the model's own files will do:
 * nothing lies in a file, or all of it is aligned.
 * @throws CacheFolderError, ExternalDataError if a file of the model has changed since it was read, the signal's reason
 */
export async function openSidecar(
  model: ModelFile,
  folder: string,
  options: CacheOptions = {},
): Promise<Sidecar | undefined> {
  const payloads = payloadsOf(model)
  if (!isUnaligned(payloads)) return undefined
  const layout = layOut(payloads, model.sources)
  const file = await cachedFile(
    folder,
    {
      name: layout.name,
      size: layout.size,
      isWhole: path => isWhole(path, layout),
      isEarlier: name => name.startsWith(layout.prefix) && name.endsWith('.weights'),
      async write(handle, written) {
        await writeParts(handle, layout.parts(written), options.signal)
        for (const source of model.sources) await assertUnchanged(source)
      },
    },
    options,
  )
  return new Sidecar(file, layout)
}

/** What lies in files, of the tensors that a session can map. */
function payloadsOf({ message }: ModelFile): FileRange[] {
  const payloads = new Map<string, FileRange>()
  for (const tensor of mainTensorsOf(message)) {
    const range = rangeOf(tensor)
    if (range) payloads.set(rangeKey(range), range)
  }
  return [...payloads.values()]
}

/** By its size, its date and its header, which names the model's files and all payloads. Whatever writes to a file changes its date. */
async function isWhole(path: string, layout: SidecarLayout): Promise<boolean> {
  try {
    const handle = await open(path)
    try {
      const { size, mtime } = await handle.stat()
      const expected = layout.header(mtime)
      const found = new Uint8Array(expected.length)
      await handle.read(found, 0, found.length, 0)
      return size === layout.size && Buffer.compare(found, expected) === 0
    } finally {
      await handle.close()
    }
  } catch {
    return false
  }
}

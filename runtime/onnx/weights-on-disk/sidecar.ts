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

  /** Whether the file is still there: a cache may be cleared at any time. */
  exists(): boolean {
    return statSync(this.file, { throwIfNoEntry: false })?.size === this.#layout.size
  }

  /** Offset in bytes of a tensor's elements; undefined if they are not in the sidecar. */
  offsetOf(tensor: TensorProto): number | undefined {
    const range = rangeOf(tensor)
    return range && this.#layout.offsets.get(rangeKey(range))
  }
}

/**
 * The sidecar of a model, written into the folder if it is missing there or incomplete. Undefined if the model needs none, because its
 * weights are aligned, or small enough to be in the message.
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

/** The ranges in files of the tensors that a session can map. */
function payloadsOf({ message }: ModelFile): FileRange[] {
  const payloads = new Map<string, FileRange>()
  for (const tensor of mainTensorsOf(message)) {
    const range = rangeOf(tensor)
    if (range) payloads.set(rangeKey(range), range)
  }
  return [...payloads.values()]
}

/** Compares the size and the header, which lists the model's files, all payloads and the file's own date: any later write changes the date. */
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

import { randomBytes } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { assertUnchanged } from '../files/file-identity.ts'
import { type FileRange, type Part, writeParts } from '../files/parts.ts'
import { temporaryName } from '../files/temporaries.ts'
import type { ModelFile } from '../reading/read.ts'
import type { TensorProto } from '../schema/onnx_pb.ts'
import { rangeOf } from '../writing/placing.ts'
import { encodeIndex, type PackedPayload } from './sidecar-index.ts'
import { type Packer, rangeKey, type SidecarLayout, toPage } from './sidecar-layout.ts'

/** A weight as onnxruntime packs it for one kind of operator. */
export interface PackedWeight {
  readonly tensor: TensorProto
  readonly key: string
  readonly parts: readonly FileRange[]
}

/** Packs a model's weights. */
export interface Packing {
  readonly packer: Packer
  /**
   * Returns packed weights, some at a time, whose ranges may be read until the next are asked for.
   * @param temporary returns a path for a temporary file. All are in one folder
   */
  pack(temporary: () => string): AsyncIterable<readonly PackedWeight[]>
}

export interface SidecarContents {
  readonly model: ModelFile
  readonly payloads: readonly FileRange[]
  readonly layout: SidecarLayout
  /** Whether the payloads are copied also if none is packed. */
  readonly isCopied: boolean
  readonly packing: Packing | undefined
  readonly folder: string
  readonly written: Date
  readonly signal: AbortSignal | undefined
}

/** Writes the header, the packed weights, the payloads, and the index. @throws ExternalDataError, the signal's reason, or what the file system throws */
export async function writeSidecar(handle: FileHandle, contents: SidecarContents): Promise<void> {
  const { model, payloads, layout, isCopied, packing, folder, written, signal } = contents
  let end = 0
  /** Writes a part at the start of a page, and returns its offset. */
  const add = async (parts: readonly Part[]): Promise<number[]> => {
    const offsets: number[] = []
    let next = end
    for (const { length } of parts) {
      offsets.push(next)
      next = toPage(next + length)
    }
    const padded = parts.flatMap(part => [part, new Uint8Array(toPage(part.length) - part.length)])
    end = await writeParts(handle, padded, { signal, from: end })
    return offsets
  }

  const temporary = (): string => join(folder, temporaryName(layout.name, randomBytes(4)))
  await add([layout.header(written)])
  const packed: PackedPayload[] = []
  const seen = new Set<string>()
  for await (const weights of packing?.pack(temporary) ?? []) {
    for (const { tensor, key, parts } of weights) {
      const payload = layout.numbers.get(rangeKey(rangeOf(tensor) ?? NOWHERE))
      if (payload === undefined || seen.has(`${payload} ${key}`)) continue
      seen.add(`${payload} ${key}`)
      const offsets = await add(parts)
      packed.push({ payload, key, parts: parts.map(({ length }, i) => [offsets[i], length]) })
    }
  }
  const payloadsAt = isCopied || packed.length > 0 ? end : undefined
  if (payloadsAt !== undefined) await add(payloads)
  await writeParts(handle, [encodeIndex({ payloadsAt, packed })], { signal, from: end })
  for (const source of model.sources) await assertUnchanged(source)
}

const NOWHERE: FileRange = { file: '', offset: 0, length: 0 }

import { readFile, stat } from 'node:fs/promises'
import { fromBinary } from '@bufbuild/protobuf'
import { externalEntry } from '../../onnx/message/external-data.ts'
import { ModelProtoSchema } from '../../onnx/schema/onnx_pb.ts'

/** The packed form of an initializer, in ranges of a file. */
export interface SavedPacked {
  /** The initializer's name. */
  readonly name: string
  /** The operator and a hash of the packed bytes, by which onnxruntime looks for it. */
  readonly key: string
  readonly parts: readonly { readonly file: string; readonly offset: number; readonly length: number }[]
}

/**
 * Reads which packed weights onnxruntime has written beside an optimised model. An entry of external data `prepacked_0` is the key, then
 * `offset;length;checksum` of each part.
 * @throws an error with the code ENOSPC if the weights are not complete: onnxruntime does not notice that the disk is full
 */
export async function savedPacked(path: string, weightsPath: string): Promise<SavedPacked[]> {
  const { graph } = fromBinary(ModelProtoSchema, await readFile(path))
  const saved: SavedPacked[] = []
  let end = 0
  for (const tensor of graph?.initializer ?? []) {
    const [offset, length] = ['offset', 'length'].map(key => Number(externalEntry(tensor, key) ?? 0))
    end = Math.max(end, offset + length)
    for (const { key: entry, value } of tensor.externalData) {
      if (!entry.startsWith('prepacked_')) continue
      const [key, ...ranges] = value.split('|')
      const parts = ranges.map(range => {
        const [at, bytes] = range.split(';').map(Number)
        end = Math.max(end, at + bytes)
        return { file: weightsPath, offset: at, length: bytes }
      })
      saved.push({ name: tensor.name, key, parts })
    }
  }
  const size =
    end === 0
      ? 0
      : await stat(weightsPath).then(
          ({ size }) => size,
          () => 0,
        )
  if (size < end) throw Object.assign(new Error('The packed weights are not complete.'), { code: 'ENOSPC' })
  return saved
}

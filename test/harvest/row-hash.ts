import { createHash } from 'node:crypto'
import { openHarvest } from 'onnsight/harvest'
import { stateOf } from '#dist/runtime/tensor/tensor.js'

/** A hash of all rows of a harvest: their documents, positions, tokens and values. A row that is missing or there twice changes it. */
export async function rowHash(folder: string): Promise<string> {
  const hash = createHash('sha256')
  const found = await openHarvest(folder)
  for await (const { document, position, token, values } of found.batches({ size: 512 })) {
    for (const part of [document, position, token, ...Object.values(values).map(one => stateOf(one).data().data)])
      hash.update(new Uint8Array((part as Int32Array).buffer))
  }
  return hash.digest('hex')
}

import * as ort from 'onnxruntime-node'

/** Token ids of GPT-2's vocabulary, which differ from seed to seed. */
export const ids = (length: number, seed: number): number[] =>
  Array.from({ length }, (_, i) => (i * 7919 + seed * 104729) % 50257)

export const feed = (list: readonly number[]): { input_ids: ort.Tensor } => ({
  input_ids: new ort.Tensor('int64', BigInt64Array.from(list, BigInt), [1, list.length]),
})

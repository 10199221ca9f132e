import { type LoadOptions, load, type Model } from 'onnsight'
import { generate } from 'onnsight/trace.macro'
import * as ort from 'onnxruntime-node'
import { type Measure, ratio, timed } from './measure.ts'

const PROMPT = 64
const STEPS = 32

/** Measures `generate`, compared with a loop by hand around a session, on a decoder with a key/value cache. */
export async function decoder(
  path: string,
  rounds: number,
  rest: number,
  provider: 'cpu' | 'cuda' = 'cpu',
  options: LoadOptions = {},
): Promise<Measure[]> {
  const prompt = Array.from({ length: PROMPT }, (_, i) => (i * 7919) % 50257)
  const bare = await ort.InferenceSession.create(path, {
    executionProviders: provider === 'cuda' ? ['cuda', 'cpu'] : ['cpu'],
  })
  const model = await load(path, { provider, ...options })
  const [byHand, plain, edited] = await timed(rounds, rest, [
    () => loop(bare, prompt),
    () => model.generate([prompt], { maxNewTokens: STEPS }),
    () => editedEachStep(model, prompt),
  ])
  await model.release()
  await bare.release()
  const where = options.cacheFolder === undefined ? '' : ', with cacheFolder'
  return [
    ratio(`generate${where}, ${STEPS} steps after ${PROMPT} tokens, against a loop by hand`, plain, byHand, 1),
    ratio('the same with an edit and a read in every step', edited, byHand, 1.05),
  ]
}

function editedEachStep(model: Model, prompt: number[]): Promise<unknown> {
  return generate(model, [prompt], { maxNewTokens: STEPS }, () => {
    model.transformer.h[5].output.set(':, -1, 0:8', 0)
    return model.transformer.h[8].output.slice(':, -1')
  })
}

/** Decodes one row greedily. The caches that onnxruntime returns are the inputs of the next run. */
async function loop(session: ort.InferenceSession, prompt: readonly number[]): Promise<bigint[]> {
  const int64 = (values: readonly (number | bigint)[]): ort.Tensor =>
    new ort.Tensor('int64', BigInt64Array.from(values, BigInt), [1, values.length])
  const caches = session.inputNames.filter(name => name.startsWith('past_key_values'))
  let feeds: Record<string, ort.Tensor> = {}
  for (const name of caches) feeds[name] = new ort.Tensor('float32', new Float32Array(0), [1, 12, 0, 64])
  let ids: readonly (number | bigint)[] = prompt
  let total = 0
  const chosen: bigint[] = []
  for (let step = 0; step < STEPS; step++) {
    const positions = ids.map((_, i) => total + i)
    total += ids.length
    feeds = {
      ...feeds,
      input_ids: int64(ids),
      position_ids: int64(positions),
      attention_mask: int64(new Array(total).fill(1)),
    }
    const outputs = await session.run(feeds)
    const logits = outputs.logits.data as Float32Array
    const vocabulary = outputs.logits.dims[2]
    const last = logits.subarray(logits.length - vocabulary)
    let best = 0
    for (let i = 1; i < vocabulary; i++) if (last[i] > last[best]) best = i
    chosen.push(BigInt(best))
    ids = [BigInt(best)]
    for (const name of caches) feeds[name] = outputs[name.replace('past_key_values', 'present')]
  }
  return chosen
}

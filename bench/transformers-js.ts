import { AutoModelForCausalLM, env, Tensor } from '@huggingface/transformers'
import { load } from 'onnsight'
import { generate } from 'onnsight/trace.macro'
import { ids } from './ids.ts'
import { type Measure, ratio, timed } from './measure.ts'
import { ensureExportedDecoder } from './models/exported.ts'
import { ensureDecoderFolder } from './models/folders.ts'

const PROMPT = 64
const STEPS = 32

/** Measures `generate`, compared with that of transformers.js, on the same file: a decoder with a key/value cache. */
export async function transformersJs(rounds: number, rest: number): Promise<Measure[]> {
  env.allowRemoteModels = false
  const peer = await AutoModelForCausalLM.from_pretrained(ensureDecoderFolder(), { dtype: 'fp32', device: 'cpu' })
  const model = await load(ensureExportedDecoder())
  const options = { maxNewTokens: STEPS, eosTokenId: [] }
  const theirs = async (round: number): Promise<readonly bigint[]> => {
    const row = BigInt64Array.from(ids(PROMPT, round), BigInt)
    const inputs = new Tensor('int64', row, [1, PROMPT])
    const mask = new Tensor('int64', new BigInt64Array(PROMPT).fill(1n), [1, PROMPT])
    const made = await peer.generate({ inputs, attention_mask: mask, max_new_tokens: STEPS, do_sample: false })
    return (made as Tensor).tolist().flat() as bigint[]
  }
  const ours = async (round: number): Promise<readonly bigint[]> =>
    ((await model.generate([ids(PROMPT, round)], options)).ids.tolist() as bigint[][]).flat()
  const [left, right] = [await ours(0), await theirs(0)]
  if (left.join() !== right.join())
    throw new Error(`transformers.js generates other tokens: ${right}, and not ${left}.`)
  const edited = (round: number): Promise<unknown> =>
    generate(model, [ids(PROMPT, round)], options, m => {
      m.transformer.h[5].output.set(':, -1, 0:8', 0)
      return m.transformer.h[8].output.slice(':, -1')
    })
  const [byThem, plain, both] = await timed(rounds, rest, [theirs, ours, edited])
  await model.release()
  await peer.dispose()
  return [
    ratio(`generate, ${STEPS} steps after ${PROMPT} tokens, against transformers.js`, plain, byThem, 1),
    ratio('the same with an edit and a read in every step, against its plain one', both, byThem, 1.05),
  ]
}

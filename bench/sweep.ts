import { type LoadOptions, load } from 'onnsight'
import * as ort from 'onnxruntime-node'
import { feed, ids } from './ids.ts'
import { type Measure, ratio, timed } from './measure.ts'

const LAYERS = 12

/** Measures patching each layer in turn on one prompt, compared with as many runs of a plain session. */
export async function sweep(
  kind: string,
  path: string,
  rounds: number,
  rest: number,
  options: LoadOptions = {},
): Promise<Measure[]> {
  const bare = await ort.InferenceSession.create(path)
  const model = await load(path, options)
  const states = await model.trace([ids(64, 7)], m => [...m.transformer.h].map(layer => layer.output.slice(':, -1')))
  const sweepOf = (slice: string) => async () => {
    for (let layer = 0; layer < LAYERS; layer++) {
      await model.trace([ids(64, 8)], m => {
        m.transformer.h[layer].output.set(':, -1', states[layer])
        return m.lm_head.output.slice(slice)
      })
    }
  }
  const runs = async () => {
    for (let layer = 0; layer < LAYERS; layer++) await bare.run(feed(ids(64, 8)))
  }
  const [plain, last, all] = await timed(rounds, rest, [runs, sweepOf(':, -1'), sweepOf('...')])
  await model.release()
  await bare.release()
  return [
    ratio(`a ${LAYERS}-layer patching sweep, all logits, against ${LAYERS} bare runs: ${kind}`, all, plain, 0.7),
    ratio(`the same, the last position’s logits: ${kind}`, last, plain, 0.4),
  ]
}

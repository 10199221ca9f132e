import { type LoadOptions, load } from 'onnsight'
import * as ort from 'onnxruntime-node'
import { feed, ids } from './ids.ts'
import { type Measure, REST, ratio, timed, timedInRows } from './measure.ts'

/** The run from which on a rebuilt block's weights are prepacked. */
const WARM = 32

/**
 * Measures running, reading and editing, compared with a session with default options on the same file: with rests between the runs, and for
 * runs that follow each other at once.
 */
export async function ratios(
  kind: string,
  path: string,
  rounds: number,
  rests: boolean,
  options: LoadOptions = {},
): Promise<Measure[]> {
  const bare = await ort.InferenceSession.create(path)
  const second = await ort.InferenceSession.create(path)
  const model = await load(path, { reuseBytes: 0, ...options })
  const results: Measure[] = []
  for (const [length, runTarget, editTarget] of [
    [64, 1.05, 1.08],
    [1, 1.08, 1.12],
  ]) {
    const peer = (round: number) => bare.run(feed(ids(length, round)))
    const control = (round: number) => second.run(feed(ids(length, round)))
    const run = (round: number) => model.run([ids(length, round)])
    const readEdge = (round: number) =>
      model.trace([ids(length, round)], m => ({ h: m.transformer.h[5].output, logits: m.lm_head.output }))
    const editIn = (layer: number) => (round: number) =>
      model.trace([ids(length, round)], m => {
        m.transformer.h[layer].mlp.act.output.set('..., 0:64', 0)
        return m.lm_head.output
      })
    const what = `${kind}, ${length === 1 ? '1 token' : `${length} tokens`}${rests ? '' : ', without rests'}`
    if (length > 1 && rests) {
      // This edits another layer than the warm one, whose neighbours are not prepacked either.
      const [first, plain] = await timed(12, REST, [editIn(10), peer])
      results.push(ratio(`an edit in its first runs: ${what}`, first, plain, 1.15))
    }
    for (let round = 0; round < WARM; round++) await editIn(5)(round)
    const tasks = [peer, control, run, readEdge, editIn(5)]
    const [plain, same, whole, edge, edit] = await (rests ? timed(rounds, REST, tasks) : timedInRows(rounds, tasks))
    results.push(
      ratio(`a second plain session, for the noise: ${what}`, same, plain),
      ratio(`model.run: ${what}`, whole, plain, runTarget),
      ratio(`a read at a block’s edge, with the logits: ${what}`, edge, plain, runTarget),
      ratio(`a warm edit inside one block: ${what}`, edit, plain, editTarget),
    )
  }
  await model.release()
  await bare.release()
  await second.release()
  return results
}

import { load } from 'onnsight'
import * as ort from 'onnxruntime-node'
import { feed, ids } from '../ids.ts'
import { timed } from '../measure.ts'
import { ensureExported } from '../models/exported.ts'
import { fixed, type Part } from './report.ts'

const ROUNDS = 20
const REST = 5

/** Measures runs, reads and edits with several numbers of blocks, compared with a plain session. Values between blocks go through host memory. */
export async function runs(provider: 'cuda' | 'cpu'): Promise<Part> {
  const path = ensureExported()
  const rows: (string | number)[][] = []
  const bare = await ort.InferenceSession.create(path, {
    executionProviders: provider === 'cuda' ? ['cuda', 'cpu'] : ['cpu'],
  })
  for (const blocks of [1, 2, 4, 14]) {
    const model = await load(path, { provider, blocks, reuseBytes: 0 })
    for (const length of [1, 64, 512]) {
      const [peer, run, edge, edit] = await timed(ROUNDS, REST, [
        round => bare.run(feed(ids(length, round))),
        round => model.run([ids(length, round)]),
        round => model.trace([ids(length, round)], m => ({ h: m.transformer.h[5].output, logits: m.lm_head.output })),
        round =>
          model.trace([ids(length, round)], m => {
            m.transformer.h[5].mlp.act.output.set('..., 0:64', 0)
            return m.lm_head.output
          }),
      ])
      const ratios = [run, edge, edit].map(({ median }) => fixed(median / peer.median))
      rows.push([blocks, length, fixed(peer.median), ...ratios])
    }
    await model.release()
  }
  await bare.release()
  return { head: ['blocks', 'tokens', 'plain session, ms', 'model.run ×', 'read at an edge ×', 'edit ×'], rows }
}

import { parentPort, workerData } from 'node:worker_threads'
import { load } from 'onnsight'

// One of several threads of a process that have a model of the same file: sends what it found.
const { path, id, release } = workerData
const model = await load(path, { threads: 1 })
const ids = [[18, 47, 56, id]]
const edited = model.edit(m => {
  m.transformer.h[1].output = m.transformer.h[1].output.mul(1 + id)
})
const sums = []
for (let i = 0; i < 8; i++) {
  const sum = await edited.trace({ input_ids: ids }, async m => {
    const norm = await m.transformer.h[0].output.abs().mean().value()
    m.transformer.h[2].mlp.output = m.transformer.h[2].mlp.output.div(norm.add(i))
    return m.lm_head.output.abs().sum()
  })
  sums.push(sum.item())
}
const generated = await edited.generate({ input_ids: ids }, { maxNewTokens: 6 })
if (release) await model.release()
parentPort.postMessage({ sums, tokens: generated.ids.tolist() })

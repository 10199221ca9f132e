import { readFileSync } from 'node:fs'
import { load, type Model, type Tensor, template } from 'onnsight'
import { cache, edit, invoke, scan, session, skip, trace } from 'onnsight/trace.macro'

// Runs 1,000 traces of 250 kinds, with all forms among them. Prints the private memory, in bytes, after each 250.
const model = await load('test/fixtures/models/chars.onnx', { sessionBytes: 16 * 2 ** 20, reuseBytes: 4 * 2 ** 20 })

const forms: ((kind: number, ids: number[][]) => Promise<unknown>)[] = [
  (kind, ids) =>
    trace(model, ids, () => {
      model.transformer.h[kind % 4].mlp.output = varied(model.transformer.h[kind % 4].mlp.output, kind)
      return model.lm_head.output
    }),
  (kind, ids) =>
    model.trace(
      ids,
      template`
      transformer.h[${kind % 4}].output[..., ${kind % 50}:] *= 0.5
      save logits = lm_head.output`,
    ),
  (kind, ids) =>
    trace(model, () => [
      invoke(ids, () => varied(model.transformer.h[1].output, kind)),
      invoke(ids, () => model.lm_head.output),
    ]),
  (kind, ids) => {
    const edited = edit(model, m => {
      m.transformer.h[2].output = varied(m.transformer.h[2].output, kind)
    })
    return edited.run({ input_ids: ids })
  },
  (kind, ids) =>
    session(model, async () => {
      let h!: Tensor
      await trace(model, ids, () => {
        h = varied(model.transformer.h[0].output, kind)
      })
      return trace(model, ids, () => {
        model.transformer.h[0].output = h
        return model.lm_head.output
      })
    }),
  (kind, ids) =>
    trace(model, ids, () => {
      skip(model.transformer.h[kind % 4].attn)
      return cache({ where: path => path.endsWith(String(kind % 4)) })
    }),
  async (kind, ids) => {
    await scan(model, [ids[0].slice(0, 1 + (kind % 4))])
    await trace(model, ids, async () => {
      if (model.transformer.h[0].output.mean().gt(kind)) return model.lm_head.output
      return varied(model.transformer.h[3].output, kind)
    })
  },
  (kind, ids) => trace(model, ids, () => fail(model, kind)).catch(() => undefined),
]

function varied(h: Tensor, kind: number): Tensor {
  let result = h
  for (let bit = 0; bit < 9; bit++) result = (kind >> bit) & 1 ? result.tanh() : result.neg()
  return result
}

/** Records an error. Half of the kinds fail when they are recorded, and half when they run. */
function fail(m: Model, kind: number): Tensor {
  if (kind % 2 === 0) return m.transformer.h[kind].output
  const h = varied(m.lm_head.output, kind)
  return h.gather(1, h.mul(0).long().add(1000))
}

function privateBytes(): number {
  ;(globalThis as { gc?: () => void }).gc?.()
  const text = readFileSync('/proc/self/smaps_rollup', 'utf8')
  return Number(/Private_Dirty:\s*(\d+)/.exec(text)?.[1]) * 1024
}

for (let i = 0; i < 1000; i++) {
  const kind = (i * 7) % 250
  await forms[kind % forms.length](kind, [[i % 60, 2, 3, (i * 11) % 60]])
  if (i % 250 === 249) console.log(privateBytes())
}
process.exit()

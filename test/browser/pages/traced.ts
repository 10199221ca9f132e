import { load, type Model, type Tensor } from 'onnsight'
import { generate, invoke, iter, s, save, session, trace } from 'onnsight/trace.macro'

/** The macro in a page: variables, operators, conditions, sessions, invokes and templates, each with awaits between. */
export async function traced(path: string): Promise<Record<string, unknown>> {
  const model: Model = await load(path)
  const ids = [[18, 47, 56, 57]]
  let hidden!: Tensor
  let big = false
  const logits = await trace(model, ids, () => {
    hidden = save(model.transformer.h[1].output)
    // @ts-expect-error operators on tensors are the macro's
    if (hidden.abs().max() > 0.5) big = true
    model.transformer.h[2].mlp.output.set(s`:, -1`, 0)
    return model.lm_head.output
  })
  const patched = await session(model, async () => {
    let h!: Tensor
    await trace(model, ids, () => {
      h = model.transformer.h[1].output
    })
    await new Promise(done => setTimeout(done, 5))
    return trace(model, [[1, 2, 3, 4]], () => {
      model.transformer.h[1].output = h
      return model.lm_head.output
    })
  })
  const [first, second] = await trace(model, () => [
    invoke(ids, () => model.lm_head.output.sum()),
    invoke([[1, 2, 3, 4]], () => model.lm_head.output.sum()),
  ])
  const { late } = await trace(model, ids)`
    transformer.h[2].mlp.output[:, -1] = 0
    save late = lm_head.output
  `
  let steps: number[] = []
  const made = await generate(model, ids, { maxNewTokens: 4 }, (_, step) => {
    steps = iter(s`1:`, () => step)
  })
  const side = await Promise.all(
    [0, 1, 2].map(layer =>
      trace(model, ids, async () => {
        const sum = await model.transformer.h[layer].output.sum().value()
        return model.transformer.h[layer].output.sum().sub(sum)
      }),
    ),
  )
  const numbers = (tensor: Tensor): number[] => Array.from(tensor.data as Float32Array)
  return {
    dims: hidden.dims,
    big,
    logits: numbers(logits),
    late: numbers(late),
    patched: numbers(patched),
    sums: [first.item(), second.item()],
    ids: made.ids.tolist(),
    steps,
    side: side.map(tensor => tensor.item()),
  }
}

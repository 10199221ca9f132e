import { grad, load, type Model, type Tensor, WorkerBackend } from 'onnsight'
import { closeTo } from 'onnsight/testing'
import { edit, invoke, s, save, trace } from 'onnsight/trace.macro'
import { clearKept, load as loadInBrowser } from 'onnsight/web'
import type { Chars, CharsInputs } from './chars.js'

export async function right(file: string): Promise<void> {
  const model = await load<Chars>(file)
  const inputs: CharsInputs = { input_ids: [[1, 2]] }
  let hidden!: Tensor
  const { logits, best } = await trace(model, { ...inputs }, m => {
    hidden = save(model.transformer.h[1].output)
    m.transformer.h[2].mlp.output.set(s`:, -1`, 0)
    for (const layer of m.transformer.h) layer.output = layer.output.mul(2)
    return { logits: m.lm_head.output, best: m.lm_head.output.max(-1) }
  })
  closeTo(logits, [best.values.rank, hidden.size])
  const [first, second] = await trace(model, () => [
    invoke([[1]], () => model.lm_head.output),
    invoke([[2]], () => 'two'),
  ])
  const tensor: Tensor = first
  const text: string = second
  const edited: Model = edit(await loadInBrowser(file), m => {
    m.transformer.h[1].output = tensor.sum()
  })
  await edited.trace([[1]], { backend: new WorkerBackend() }, m => m.transformer.h[1].output.softmax(-1))
  await clearKept()
  const places = { ends: [tensor, first], middle: hidden }
  const gradients: [Tensor, Tensor] = grad(tensor.sum(), [tensor, first])
  const named: { ends: Tensor[]; middle: Tensor } = grad(gradients[0].sum(), places)
  closeTo(named.ends[0], named.middle)
  const nothing: Promise<void> = trace(model, () => {})
  return text ? undefined : nothing
}

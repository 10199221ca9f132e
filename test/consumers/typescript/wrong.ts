import { load } from 'onnsight'
import { trace } from 'onnsight/trace.macro'
import { clearKept } from 'onnsight/web'
import type { Chars } from './chars.js'

export async function wrong(): Promise<void> {
  const model = await load<Chars>('chars.onnx', { providr: 'cpu' })
  const logits: string = await trace(model, [[1]], m => m.lm_head.output)
  await trace(model, [[1]], m => m.transformer.h[0].mpl.output)
  const [, _second] = await trace(model, () => [model.lm_head.output])
  await clearKept(logits)
  load('chars.onnx').lm_head
}

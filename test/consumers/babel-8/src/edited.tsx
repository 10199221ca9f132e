/** @jsxRuntime classic */
/** @jsx element */

import type { Inputs, Model } from 'onnsight'
import { s, trace } from 'onnsight/trace.macro'
// biome-ignore lint/correctness/noUnusedImports: JSX is made with it.
import { element } from './element.ts'

/** A block between TypeScript and JSX: what it gives, and where an error in it points. */
export async function edited(model: Model, inputs: Inputs) {
  const scale = 0 as number satisfies number
  let stack: string | undefined
  const logits = await trace(model, inputs, () => {
    stack = new Error('here').stack
    model.transformer.h[2].mlp.output.set(s`:, -1`, scale)
    return model.lm_head.output
  })
  const error = await trace(model, inputs, () => model.transformer.h[2].mpl.output).catch((thrown: Error) => thrown)
  return { edited: logits.tolist(), tag: <b title="logits">{logits.dims.length}</b>, error: String(error), stack }
}

import { trace } from 'onnsight/trace.macro'

/** One run: every layer's attention patterns, and what the model would say if it stopped after each layer. */
export async function look(model, ids) {
  const { patterns, lens } = await trace(model, { input_ids: [ids] }, () => {
    const layers = [...model.transformer.h]
    return {
      patterns: layers.map(layer => layer.attn.ops.Softmax[0].output.slice('0')),
      lens: layers.map(layer => {
        const logits = model.lm_head(model.transformer.ln_f(layer.output))
        return logits.slice('0').softmax(-1).max(-1)
      }),
    }
  })
  return {
    patterns: patterns.map(pattern => pattern.tolist()),
    lens: lens.map(({ values, indices }) => ({ shares: values.tolist(), ids: indices.tolist() })),
  }
}

import type { Model } from 'onnsight'
import { trace } from 'onnsight/trace.macro'

/** What one run shows. */
export interface Seen {
  /** By layer and head: rows of shares. */
  readonly patterns: readonly (readonly (readonly number[])[])[][]
  /** By layer: for each token the likeliest next one, and how likely. */
  readonly lens: readonly { readonly ids: readonly number[]; readonly shares: readonly number[] }[]
}

/** One run: every layer's attention patterns, and what the model would say if it stopped after each layer. */
export async function look(model: Model, ids: readonly number[]): Promise<Seen> {
  const { patterns, lens } = await trace(model, { input_ids: [ids] }, () => {
    const layers = Array.from(model.transformer.h)
    return {
      patterns: layers.map(layer => layer.attn.ops.Softmax[0].output.slice('0')),
      lens: layers.map(layer => {
        const logits = model.lm_head(model.transformer.ln_f(layer.output))
        return logits.slice('0').softmax(-1).max(-1)
      }),
    }
  })
  return {
    patterns: patterns.map(pattern => pattern.tolist() as number[][][]),
    lens: lens.map(({ values, indices }) => ({
      shares: values.tolist() as number[],
      ids: indices.tolist() as number[],
    })),
  }
}

import type { Model } from 'onnsight'
import { trace } from 'onnsight/trace.macro'

/** What one run of the model returns. */
export interface Readings {
  readonly tokens: readonly string[]
  /** The attention patterns by layer and head: a row of shares for each token. */
  readonly patterns: readonly (readonly (readonly number[])[])[][]
  /** For each layer, the likeliest next character after each token, and its probability. */
  readonly lens: readonly { readonly next: readonly string[]; readonly shares: readonly number[] }[]
}

/** Runs the model once, and reads every layer's attention patterns and what the model would predict if it stopped after each layer. */
export async function look(model: Model, chars: readonly string[], text: string): Promise<Readings> {
  const ids = Array.from(text, char => chars.indexOf(char)).filter(id => id >= 0)
  if (ids.length === 0) throw new Error('The model knows none of these characters.')
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
    tokens: ids.map(id => chars[id]),
    patterns: patterns.map(pattern => pattern.tolist() as number[][][]),
    lens: lens.map(({ values, indices }) => ({
      next: (indices.tolist() as number[]).map(id => chars[id]),
      shares: values.tolist() as number[],
    })),
  }
}

import { LanguageModel } from 'onnsight/web'

/** A part of a layer that is set to 0. */
export interface Part {
  readonly layer: number
  readonly name: 'attn' | 'mlp'
}

/** What is likeliest after one token, by one layer. */
export interface Guess {
  readonly text: string
  readonly probability: number
}

/** What each layer would predict after each token. */
export interface Lens {
  readonly tokens: readonly string[]
  readonly layers: readonly (readonly Guess[])[]
}

/** The example model, in this page. */
export interface LiveModel {
  readonly layers: number
  /** @throws Error for a text that the model can't read */
  lens(text: string, off: readonly Part[]): Promise<Lens>
}

/** Fetches the example model. @param folder its address @param onShare is called with the share that has come */
export async function openModel(folder: string, onShare: (share: number) => void): Promise<LiveModel> {
  const files = ['chars.onnx', 'chars.vocab.json'].map(name => fetched(folder, name, onShare))
  const model = await LanguageModel.load(await Promise.all(files), { tokenizer: 'chars.vocab.json' })
  return {
    layers: model.transformer.h.length,
    async lens(text, off) {
      const rows = await model.trace(text, () => {
        const { h, ln_f } = model.transformer
        for (const { layer, name } of off) h[layer].child(name).output = 0
        return Array.from(h, layer => {
          const { indices, values } = model.lm_head(ln_f(layer.output)).softmax(-1).select(0, 0).topk(1)
          return { ids: indices.squeeze(-1), shares: values.squeeze(-1) }
        })
      })
      return {
        tokens: model.tokens(text).ids.map(id => model.decode([id])),
        layers: rows.map(({ ids, shares }) => {
          const probabilities = shares.tolist() as number[]
          return (ids.tolist() as (number | bigint)[]).map((id, i) => ({
            text: model.decode([Number(id)]),
            probability: probabilities[i],
          }))
        }),
      }
    },
  }
}

/** A file of the site. Its largest part is the model, so only that one's share counts. */
async function fetched(folder: string, name: string, onShare: (share: number) => void): Promise<File> {
  const response = await fetch(`${folder}/${name}`)
  if (!response.ok) throw new Error(`${response.status} ${response.url}`)
  const total = Number(response.headers.get('content-length') ?? Number.POSITIVE_INFINITY)
  let done = 0
  const counted = new TransformStream<Uint8Array, Uint8Array>({
    transform(part, controller) {
      done += part.length
      if (name.endsWith('.onnx')) onShare(Math.min(1, done / total))
      controller.enqueue(part)
    },
  })
  const body = response.body!.pipeThrough(counted)
  return new File([await new Response(body).arrayBuffer()], name)
}

/** The program that computes what is shown. */
export function codeOf(text: string, off: readonly Part[]): string {
  return [
    `const lens = await trace(model, ${JSON.stringify(text)}, () => {`,
    ...off.map(({ layer, name }) => `  model.transformer.h[${layer}].${name}.output = 0`),
    '  return model.transformer.h.map(layer =>',
    '    model.lm_head(model.transformer.ln_f(layer.output)).softmax(-1))',
    '})',
  ].join('\n')
}

import { savingBlock } from '../../cli/run/template.ts'
import type { GenerateOptions, Inputs, Model, Tensor } from '../../runtime/index.ts'
import type { Language } from '../../runtime/language-inputs/language.ts'
import type { Block } from '../../runtime/tracing/blocks/block.ts'
import { tokenOf } from '../model/tokens.ts'
import type { GeneratedToken, GeneratePart, GenerateRequest } from '../protocol/api.ts'
import { Refusal } from '../server/refusal.ts'
import { assertValidTemplate, TEMPLATE, type TraceTarget } from './template-trace.ts'

/** How many of the likeliest tokens of each step are sent. */
const MAX_TOKENS = 6

/** Generates without the edit and with it, one after the other. Text is sent as it comes, and then the probabilities of its tokens. */
export async function viewGenerated(
  { model, options: traceOptions }: TraceTarget,
  inputs: Inputs,
  { template, ...how }: GenerateRequest,
  logits: string | undefined,
  language: Language | undefined,
  send: (part: GeneratePart) => void,
): Promise<void> {
  if (logits === undefined)
    throw new Refusal(422, 'view-generate', 'This model has no logits, so it can’t generate.', 'look at another tab')
  if (template !== undefined) assertValidTemplate(template)
  for (const edit of template === undefined ? [undefined] : [undefined, template]) {
    const side = edit === undefined ? 'unedited' : 'edited'
    await sendGenerated({ model, options: traceOptions }, inputs, how, { side, edit, logits, language }, send)
  }
}

/** One side of a comparison: its name, and its edit. */
interface GeneratedSide {
  readonly side: GeneratePart['side']
  readonly edit?: string | undefined
  /** The name of the output with the logits. */
  readonly logits: string
  readonly language: Language | undefined
}

/** Generates the text of one side. It sends the text while it is generated, and then the tokens. */
export async function sendGenerated(
  { model, options }: TraceTarget,
  inputs: Inputs,
  { maxNewTokens, temperature, seed }: Pick<GenerateRequest, 'maxNewTokens' | 'temperature' | 'seed'>,
  { side, edit, logits, language }: GeneratedSide,
  send: (part: GeneratePart) => void,
): Promise<void> {
  const generateOptions = {
    ...options,
    maxNewTokens,
    ...(temperature > 0 ? { temperature, seed } : { doSample: false }),
    ...(language ? { onText: (text: string) => send({ side, text }) } : {}),
  }
  send({ side, tokens: await generateTokens(model, inputs, edit, logits, generateOptions, language) })
}

async function generateTokens(
  model: Model,
  inputs: Inputs,
  edit: string | undefined,
  logits: string,
  options: GenerateOptions,
  language: Language | undefined,
): Promise<GeneratedToken[]> {
  const change = edit === undefined ? undefined : savingBlock(edit, TEMPLATE, () => undefined)
  const block: Block = {
    info: change?.info,
    async record(proxy, tracer) {
      await change?.record(proxy, tracer)
      const all = (proxy as Model).outputs[logits].select(0, 0).select(0, -1).to('float32').softmax(-1)
      const { indices, values } = all.topk(Math.min(MAX_TOKENS, all.dims[0] ?? MAX_TOKENS))
      return { indices, values, all }
    },
  }
  const generated = await model.generate(inputs, options, block as never)
  const [ids] = generated.ids.tolist() as (number | bigint)[][]
  const chosen = ids.slice(ids.length - generated.steps).map(Number)
  const steps = generated.values as unknown as readonly Readonly<Record<'indices' | 'values' | 'all', Tensor>>[]
  return steps.map(({ indices, values, all }, i) => {
    const shares = values.tolist() as number[]
    return {
      ...tokenOf(language, chosen[i]),
      probability: Number(all.data[chosen[i]]),
      top: (indices.tolist() as (number | bigint)[]).map((id, rank) => ({
        ...tokenOf(language, Number(id)),
        probability: shares[rank],
      })),
    }
  })
}

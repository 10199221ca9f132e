import { sentError } from '../../runtime/child-process/answer-requests.ts'
import { RefusedError } from '../../runtime/errors/serve.ts'
import { invoke, type LanguageModel, type Tensor, template as templateTag } from '../../runtime/index.ts'
import { graphInputs, readGraph } from '../../runtime/model/intervention.ts'
import type { TensorData } from '../../runtime/tensor/dtypes/data.ts'
import { stateOf } from '../../runtime/tensor/tensor.ts'
import type { Template } from '../../runtime/tracing/blocks/block.ts'
import { asTraceable } from '../../runtime/tracing/traceable.ts'
import type { GenerateJob, GenerateReply, GenerateSettings, TextPart } from './messages.ts'
import { checkPlaces } from './places.ts'

interface Ready {
  readonly index: number
  readonly prompt: string | readonly number[]
  readonly template: Template | undefined
  readonly isStreamed: boolean
  readonly promptTokens: number
}

/** Generates texts that share their settings, as one batch: each job's edit acts in its own row. */
export async function generateTexts(
  model: LanguageModel,
  settings: GenerateSettings,
  jobs: readonly GenerateJob[],
  signal: AbortSignal,
  onPart: (part: TextPart) => void,
): Promise<readonly GenerateReply[]> {
  const replies: GenerateReply[] = []
  const ready: Ready[] = []
  for (const [index, job] of jobs.entries()) {
    try {
      ready.push({ index, ...(await prepare(model, job)) })
    } catch (error) {
      replies[index] = { error: sentError(error) }
    }
  }
  if (ready.length === 0) return replies
  try {
    for (const reply of await together(model, settings, ready, signal, onPart)) replies[reply.index] = reply.reply
  } catch (error) {
    if (ready.length === 1 || signal.aborted) {
      for (const { index } of ready) replies[index] = { error: sentError(error) }
      return replies
    }
    for (const one of ready)
      try {
        const [{ reply }] = await together(model, settings, [one], signal, onPart)
        replies[one.index] = reply
      } catch (alone) {
        replies[one.index] = { error: sentError(alone) }
      }
  }
  return replies
}

async function prepare(
  model: LanguageModel,
  { prompt, template, isStreamed, permission }: GenerateJob,
): Promise<Omit<Ready, 'index'>> {
  const text = typeof prompt === 'string' || typeof prompt[0] === 'number' ? prompt : model.chatText(prompt as never)
  const ids = typeof text === 'string' ? model.tokens(text).ids : (text as readonly number[])
  if (ids.length === 0) throw new RefusedError('The prompt is empty.', 'give at least one token')
  const block = template === undefined ? undefined : parse(template)
  if (block) await checkTemplate(model, ids, block, permission)
  return { prompt: text as string, template: block, isStreamed, promptTokens: ids.length }
}

/** A template from outside is text alone: it has no values of a program. */
function parse(text: string): Template {
  return templateTag(Object.assign([text], { raw: [text] }) as unknown as TemplateStringsArray)
}

/** Checks what the block of a step would read, write and cost, before anything runs. */
async function checkTemplate(
  model: LanguageModel,
  ids: readonly number[],
  block: Template,
  permission: GenerateJob['permission'],
): Promise<void> {
  const graph = await model.record([ids] as never, block)
  const loaded = asTraceable(model, 'generate')
  const inputs = loaded.prepare(graphInputs(graph))
  const variant = await loaded.variant(inputs)
  const { recording, statedTypes: untrustedTypes } = readGraph(graph, variant, permission.limits)
  checkPlaces(recording, variant.engine.program, permission)
  await variant.engine.checkLimits(permission.limits, { recording, inputs, untrustedTypes })
}

/** A block that reads and writes nothing. */
const nothing = parse('')

async function together(
  model: LanguageModel,
  settings: GenerateSettings,
  ready: readonly Ready[],
  signal: AbortSignal,
  onPart: (part: TextPart) => void,
): Promise<readonly { readonly index: number; readonly reply: GenerateReply }[]> {
  const onText = (text: string, sequence: number): void => {
    if (ready[sequence].isStreamed) onPart({ job: ready[sequence].index, text })
  }
  // Text in pieces costs a message for each token.
  const options = { ...settings, signal, ...(ready.some(({ isStreamed }) => isStreamed) ? { onText } : {}) }
  const asInputs = (prompt: Ready['prompt']) => (typeof prompt === 'string' ? prompt : [prompt]) as never
  const isPlain = ready.every(({ template }) => !template)
  // The invokes of a step run together, so that none of them is awaited.
  const result = isPlain
    ? await model.generate(ready.map(({ prompt }) => prompt) as never, options)
    : await model.generate(null, options, () =>
        ready.map(({ prompt, template }) => invoke(asInputs(prompt), template ?? nothing)),
      )
  const saved = (step: unknown, i: number): Record<string, Tensor> =>
    (step as readonly (Record<string, Tensor> | undefined)[])[i] ?? {}
  const texts = [result.text].flat() as string[]
  const tokens = result.tokens as unknown as readonly (readonly string[])[]
  return ready.map(({ index, promptTokens }, i) => ({
    index,
    reply: {
      text: texts[i],
      finishReason: String(result.finishReason[i]),
      promptTokens,
      newTokens: tokens[i].length,
      values: result.values.map(step =>
        Object.fromEntries(
          Object.entries(saved(step, i)).map(([name, tensor]): [string, TensorData] => [name, stateOf(tensor).data()]),
        ),
      ),
    },
  }))
}

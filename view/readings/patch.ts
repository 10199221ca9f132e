import type { Inputs, Tensor } from '../../runtime/index.ts'
import type { Language } from '../../runtime/language-inputs/language.ts'
import { logitDifference } from '../../study/metrics.ts'
import { patchActivations } from '../../study/patch-activations.ts'
import { tokenOf } from '../model/tokens.ts'
import type { PatchPart, PatchRequest } from '../protocol/api.ts'
import { Refusal } from '../server/refusal.ts'
import type { TraceTarget } from './template-trace.ts'

/**
 * Puts each activation of the clean text into the run of the corrupted one. What is measured is the logit of the clean run's prediction minus
 * that of the corrupted run's, at the last position, unless other answers are given.
 */
export async function viewPatched(
  { model, options }: TraceTarget,
  clean: readonly number[],
  { corrupted: text, part, answers }: PatchRequest,
  logits: string | undefined,
  language: Language | undefined,
  send: (part: PatchPart) => void,
): Promise<void> {
  if (logits === undefined || !language)
    throw new Refusal(422, 'view-patch', 'Patching needs a model of texts with logits.', 'look at another tab')
  const corrupted = language.encodeRow(text)
  if (corrupted.length !== clean.length)
    throw new Refusal(
      422,
      'view-patch',
      `The text above has ${clean.length} tokens, and the corrupted one ${corrupted.length}.`,
      'write texts of as many tokens, so that each position has its counterpart',
    )
  const predicted = async (ids: readonly number[]): Promise<number> => {
    const best = (await model.trace([[...ids]] as Inputs, options, one =>
      one.outputs[logits].select(0, 0).select(0, -1).to('float32').argmax(-1),
    )) as Tensor
    return Number(best.item())
  }
  const answerIds = answers?.map(answer => idOf(language, answer))
  const [answer, other] = answerIds ?? [await predicted(clean), await predicted(corrupted)]
  if (answer === other)
    throw new Refusal(
      422,
      'view-patch',
      `Both texts have the same answer, “${tokenOf(language, answer).text}”, so there is no difference to bring back.`,
      'change the corrupted text, or name two answers',
    )
  const patched = await patchActivations(model, {
    clean: [[...clean]],
    corrupted: [[...corrupted]],
    metric: logitDifference(answer, other),
    part,
    ...options,
    onProgress: (done, total) => send({ done, total }),
  })
  send({
    result: {
      layers: patched.axes[0].labels,
      tokens: clean.map((id, i) => [tokenOf(language, id), tokenOf(language, corrupted[i])] as const),
      recovered: patched.recovered.tolist() as number[][],
      values: patched.values.tolist() as number[][],
      clean: patched.clean,
      corrupted: patched.corrupted,
      answers: [tokenOf(language, answer), tokenOf(language, other)],
    },
  })
}

function idOf(language: Language, text: string): number {
  const { ids } = language.tokenizer.encode(text, { add_special_tokens: false })
  if (ids.length === 1) return Number(ids[0])
  throw new Refusal(
    422,
    'view-patch',
    `The answer ${JSON.stringify(text)} is ${ids.length} tokens.`,
    'give one token; most words begin with a space',
  )
}

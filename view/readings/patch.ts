import { arange, type Inputs, type Tensor, where } from '../../runtime/index.ts'
import type { Language } from '../../runtime/language-inputs/language.ts'
import { logitDifference } from '../../study/metrics.ts'
import { StudiedModel } from '../../study/model/studied-model.ts'
import { patchActivations } from '../../study/patch-activations.ts'
import { isHeadPart, siteOf } from '../../study/sweeps/sites.ts'
import { tokenOf } from '../model/tokens.ts'
import type { Lens, PatchedLensRequest, PatchedPart, PatchPart, PatchRequest } from '../protocol/api.ts'
import { Refusal, unreadable } from '../server/refusal.ts'
import { viewLens } from './lens.ts'
import type { TraceTarget } from './template-trace.ts'

/**
 * Puts each activation of the clean text into the run of the corrupted one. The metric is the logit of the clean run's prediction minus that of
 * the corrupted run's prediction, at the last position, unless other answers are given.
 */
export async function viewPatched(
  { model, options }: TraceTarget,
  clean: readonly number[],
  { corrupted: text, part, answers = ['', ''], layers: range }: PatchRequest,
  logits: string | undefined,
  language: Language | undefined,
  send: (part: PatchPart) => void,
): Promise<void> {
  if (logits === undefined || !language) throw noTexts()
  const corrupted = corruptedRow(language, clean, text)
  const predicted = async (ids: readonly number[]): Promise<number> => {
    const best = (await model.trace([[...ids]] as Inputs, options, one =>
      one.outputs[logits].select(0, 0).select(0, -1).to('float32').argmax(-1),
    )) as Tensor
    return Number(best.item())
  }
  const [answer, other] = [
    answers[0] === '' ? await predicted(clean) : idOf(language, answers[0]),
    answers[1] === '' ? await predicted(corrupted) : idOf(language, answers[1]),
  ]
  if (answer === other)
    throw new Refusal(
      422,
      'view-patch',
      `Both texts have the same answer, “${tokenOf(language, answer).text}”, so there is no difference to bring back.`,
      'change the corrupted text, or name two answers',
    )
  if (range && range[0] > range[1])
    throw new Refusal(422, 'view-patch', `No layer lies from ${range[0]} to ${range[1]}.`, 'write the lower one first')
  const layers = range && Array.from({ length: range[1] - range[0] + 1 }, (_, i) => range[0] + i)
  const patched = await patchActivations(model, {
    clean: [[...clean]],
    corrupted: [[...corrupted]],
    metric: logitDifference(answer, other),
    part,
    ...(layers ? { layers } : {}),
    ...options,
    onProgress: (done, total, secondsLeft) => send({ done, total, secondsLeft }),
  })
  send({
    result: {
      layers: patched.axes[0].labels.map(Number),
      across: isHeadPart(part) ? 'head' : 'token',
      tokens: clean.map((id, i) => [tokenOf(language, id), tokenOf(language, corrupted[i])] as const),
      recovered: patched.recovered.tolist() as number[][],
      values: patched.values.tolist() as number[][],
      clean: patched.clean,
      corrupted: patched.corrupted,
      answers: [tokenOf(language, answer), tokenOf(language, other)],
    },
  })
}

/** The lens of the corrupted text, without and with one patch. */
export async function viewPatchedLens(
  target: TraceTarget,
  clean: readonly number[],
  request: PatchedLensRequest,
  logits: string | undefined,
  language: Language | undefined,
): Promise<Lens> {
  const { corrupted: text, part, cell, from = 0, follow = 'next' } = request
  if (logits === undefined || !language) throw noTexts()
  const corrupted = corruptedRow(language, clean, text)
  const studied = new StudiedModel('patchActivations', target.model, undefined)
  const { layers } = await studied.sizes(await studied.prompts([[...clean]]))
  studied.layersOf([cell.layer], layers)
  const site = () => siteOf(studied, part, cell.layer)
  const kept = (await target.model.trace([[...clean]] as Inputs, target.options, () => site().read())) as Tensor
  const axis = axisOf(part)
  const size = kept.dims[axis] as number
  if (cell.place >= size) throw unreadable(`There is no place ${cell.place}: there are ${size}.`, 'choose another cell')
  const mask = arange(size)
    .eq(cell.place)
    .reshape(kept.dims.map((_, i) => (i === axis ? size : 1)))
  const change = (): void => {
    const { read, write } = site()
    write(where(mask, kept, read()))
  }
  const lensRequest = { inputs: {}, from, follow, isCompared: true }
  return viewLens(target, [[...corrupted]], lensRequest, corrupted, logits, language, change)
}

/** The axis of positions or heads in a layer's value of this part. */
const axisOf = (part: PatchedPart): number => (isHeadPart(part) && part !== 'pattern' ? 2 : 1)

const noTexts = (): Refusal =>
  new Refusal(422, 'view-patch', 'Patching needs a model of texts with logits.', 'look at another tab')

/** The ids of the corrupted text. @throws Refusal if it has another length than the clean one */
function corruptedRow(language: Language, clean: readonly number[], text: string): readonly number[] {
  const corrupted = language.encodeRow(text)
  if (corrupted.length === clean.length) return corrupted
  throw new Refusal(
    422,
    'view-patch',
    `The text above has ${clean.length} tokens, and the corrupted one ${corrupted.length}.`,
    'write texts of as many tokens, so that each position has its counterpart',
  )
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

import { PositionError } from '../errors/prompt.ts'
import type { Language } from '../language-inputs/language.ts'
import { idsInput, roleOf } from '../language-inputs/roles.ts'
import { showPlace, type TokenPlace, type Tokens, type WhichToken } from '../language-inputs/tokens.ts'
import { LoadedModel } from '../model/loaded/loaded-model.ts'
import { refuseSurplus } from '../tensor/arguments/check-arguments.ts'
import { currentTrace } from '../tracing/current-trace.ts'
import type { RunningTrace } from '../tracing/running-trace.ts'

/**
 * In a block of a language model: the position of tokens of its prompt, as an index along the axis of tokens. `place` is a position
 * (negative ones count from the end), a text or a pattern that the tokens spell, or a range of characters.
 * @throws PositionError if no token is there, or if the prompts have the tokens at different positions
 * @example
 * const h = model.transformer.h[5].output.slice([0, at(' Paris')])
 */
export function at(place: TokenPlace, which?: 'first' | 'last'): number
export function at(place: TokenPlace, which: 'all'): number[]
export function at(place: TokenPlace, which?: WhichToken, ...surplus: unknown[]): number | number[] {
  refuseSurplus('at', 2, surplus)
  const trace = currentTrace()
  const language = trace && !trace.awaitsInvokes ? languageOf(trace) : undefined
  if (!trace || !language)
    throw new PositionError(
      trace ? 'at() was used in a trace without a prompt of a language model.' : 'at() was called outside a trace.',
      trace
        ? 'load the model with LanguageModel.load(…)'
        : 'outside, use the tokens themselves: model.tokens(prompt).at(…)',
    )
  const found = rowsOf(trace, language).map(({ offset, tokens }) =>
    [tokens.at(place, which)].flat().map(i => i + offset),
  )
  const [first, ...others] = found
  const other = others.findIndex(row => String(row) !== String(first))
  if (other >= 0)
    throw new PositionError(
      `${showPlace(place)} is at position ${first.join(', ')} of prompt 0, and at ${others[other].join(', ')} of prompt ${other + 1}.`,
      'give each prompt to an invoke of its own: invoke(prompt, () => …)',
    )
  return which === 'all' ? first : first[0]
}

const languageOf = ({ model: { identity } }: RunningTrace): Language | undefined =>
  identity instanceof LoadedModel ? identity.language : undefined

interface Row {
  /** The position of the row's first token. Padding comes before it. */
  readonly offset: number
  readonly tokens: Tokens
}

/** The prompts that the running code sees: in an invoke, only those of the invoke. */
function rowsOf(trace: RunningTrace, language: Language): Row[] {
  const { inputs: declared } = trace.model
  const inputs = declared as Parameters<typeof idsInput>[0]
  const ids = trace.inputs.get(idsInput(inputs) ?? '')
  const maskName = inputs.find(input => roleOf(input, inputs) === 'mask')?.name
  const mask = maskName === undefined ? undefined : trace.inputs.get(maskName)
  if (ids?.dims.length !== 2) return []
  const [count, length] = ids.dims
  const { start = 0, count: own = count, length: end = length } = trace.rows ?? {}
  return Array.from({ length: own }, (_, i) => {
    const row = start + i
    const all = Array.from(ids.data.slice(row * length, row * length + (end ?? length)) as ArrayLike<unknown>, Number)
    // The mask also covers the tokens in the caches.
    const width = mask?.dims.at(-1) ?? 0
    const isReal = all.map((_, k) => !mask || Number(mask.data[row * width + width - length + k]) !== 0)
    const offset = Math.max(0, isReal.indexOf(true))
    return { offset, tokens: language.tokensOf(all.filter((_, k) => isReal[k])) }
  })
}

import { GenerateError } from '../errors/generate.ts'
import { warn } from '../errors/warn.ts'
import type { TableLimit } from '../language-inputs/limits.ts'

/** The tokens before the first step, and those to come. */
interface Plan {
  /** Inputs of the decoder that grow with each step. */
  readonly growing: readonly (string | undefined)[]
  /** The number of tokens of the longest prompt without padding (`longest`), and of every prompt with it (`width`). */
  readonly longest: number
  readonly width: number
  readonly maxNewTokens: number
}

/**
 * Checks, before anything runs, that the prompts and the new tokens fit into the model's positions. The last token is chosen but not given to
 * the model, so it needs no position.
 * @throws GenerateError if they do not fit
 */
export function assertRoom(limits: readonly TableLimit[], { growing, longest, width, maxNewTokens }: Plan): void {
  for (const { input, rows, kind } of limits) {
    if (kind === 'token' || !growing.includes(input)) continue
    const prompt = kind === 'position' ? longest : width
    const room = rows - prompt + 1
    if (maxNewTokens <= room || room < 1) continue
    throw new GenerateError(
      `The prompt has ${prompt} ${prompt === 1 ? 'token' : 'tokens'}, and maxNewTokens is ${maxNewTokens}, but the model has only ${rows} positions.`,
      `add at most ${room} tokens, { maxNewTokens: ${room} }, or shorten the prompt`,
    )
  }
}

/**
 * Tells of the first step beyond the context that the model's files state. A model that computes its positions goes on there without an error.
 * @param tokens how many tokens the next step sees
 */
export function warnBeyondContext(context: number | undefined, prompt: number, tokens: number): void {
  if (context === undefined || tokens !== Math.max(context, prompt) + 1) return
  const room = context - prompt + 1
  const fix =
    room > 0 ? `add at most ${room} tokens, { maxNewTokens: ${room} }, or shorten the prompt` : 'shorten the prompt'
  warn(
    `The generation goes beyond the model’s context of ${context} tokens, for which it was trained: the text from there on may make no sense. Nothing is cut; ${fix}.`,
    'beyond-context',
  )
}

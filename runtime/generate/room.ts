import { GenerateError } from '../errors/generate.ts'
import type { TableLimit } from '../language-inputs/limits.ts'

/** What there is before the first step, and is to come. */
interface Plan {
  /** Inputs of the decoder that grow with each step. */
  readonly growing: readonly (string | undefined)[]
  /** Tokens of the longest prompt, without padding; and of all, with it. */
  readonly longest: number
  readonly width: number
  readonly maxNewTokens: number
}

/**
 * The last token is chosen and not given to the model any more, so it takes no place.
 * @throws GenerateError for prompts that would run out of the model's positions, before anything runs
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

import { StepError } from '../errors/generate.ts'
import { refuseSurplus } from '../tensor/arguments/check-arguments.ts'
import { currentSession } from '../tracing/scopes/session-scope.ts'
import { Generation } from './generation.ts'
import type { Steps } from './selection.ts'

/**
 * In a block of generate(): does `body` in the steps that are chosen. What it gives is kept, its tensors too: the array has one
 * entry for each step that came, in the order of the list, or of the range.
 * @throws StepError outside of generate(); at its end, for a step that was named and never came
 */
export function iter<R>(steps: Steps, body: () => Promise<R>): Promise<R[]>
export function iter<R>(steps: Steps, body: () => R): R[]
export function iter(steps: Steps, body: () => unknown, ...surplus: unknown[]): unknown {
  refuseSurplus('iter', 2, surplus)
  return running('iter').gather('iter', steps, body)
}

/** In a block of generate(): `iter` of all steps. */
export function all<R>(body: () => Promise<R>): Promise<R[]>
export function all<R>(body: () => R): R[]
export function all(body: () => unknown, ...surplus: unknown[]): unknown {
  refuseSurplus('all', 1, surplus, 'for some steps write iter(steps, () => …)')
  return running('all').gather('all', '...', body)
}

/**
 * In a block of generate(): ends this step and begins the next one, whose number it gives. The block goes on there, and is run anew
 * in the step after the one that it ends in. What is used after it must have been saved.
 * @throws StepError where generation has ended
 */
export function next(): Promise<number> {
  return running('next').next()
}

function running(form: string): Generation {
  const session = currentSession()
  if (session instanceof Generation) return session
  throw new StepError(
    `${form}() was called outside of generate().`,
    `use it in its block: generate(model, inputs, { maxNewTokens: 5 }, () => { ${form}(…) })`,
  )
}

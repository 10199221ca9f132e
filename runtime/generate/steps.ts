import { StepError } from '../errors/generate.ts'
import { refuseSurplus } from '../tensor/arguments/check-arguments.ts'
import { currentSession } from '../tracing/scopes/session-scope.ts'
import { Generation } from './generation.ts'
import type { Steps } from './selection.ts'

/**
 * In a block of generate(): runs `body` in the chosen steps, and keeps what it returns, tensors included. The array has one entry for each
 * chosen step that has run, in the order of the list, or of the range.
 * @throws StepError outside of generate(); at the end of generate(), if a named step did not run, or did not call this
 */
export function iter<R>(steps: Steps, body: () => Promise<R>): Promise<R[]>
export function iter<R>(steps: Steps, body: () => R): R[]
export function iter(steps: Steps, body: () => unknown, ...surplus: unknown[]): unknown {
  refuseSurplus('iter', 2, surplus)
  return running('iter').gather('iter', steps, body)
}

/** In a block of generate(): runs `body` in all steps, and keeps what it returns, as `iter` does. */
export function all<R>(body: () => Promise<R>): Promise<R[]>
export function all<R>(body: () => R): R[]
export function all(body: () => unknown, ...surplus: unknown[]): unknown {
  refuseSurplus('all', 1, surplus, 'for some steps write iter(steps, () => …)')
  return running('all').gather('all', '...', body)
}

/**
 * In a block of generate(): ends this step and begins the next one, in which the block goes on. Gives the number of that step. In the step
 * after the one in which the block ends, it runs anew. Values from before next() that are used after it must have been saved.
 * @throws StepError if generation has ended
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

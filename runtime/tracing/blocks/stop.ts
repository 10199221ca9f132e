import { ExitTracingException } from '../../errors/trace.ts'

/** Ends the block here. What was recorded up to now runs. */
export function stop(): never {
  throw new ExitTracingException()
}

/** Runs a block's text; where stop() ends it early it gives undefined, and `stopped` is told. */
export async function untilStop<R>(body: () => R | Promise<R>, stopped?: () => void): Promise<R | undefined> {
  try {
    return await body()
  } catch (error) {
    if (!(error instanceof ExitTracingException)) throw error
    stopped?.()
    return undefined
  }
}

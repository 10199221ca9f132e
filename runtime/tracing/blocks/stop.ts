import { ExitTracingException } from '../../errors/trace.ts'

/** Ends the block here. What has been recorded so far runs. */
export function stop(): never {
  throw new ExitTracingException()
}

/** Runs a block's text. If stop() ends it early, this calls `stopped` and returns undefined. */
export async function untilStop<R>(body: () => R | Promise<R>, stopped?: () => void): Promise<R | undefined> {
  try {
    return await body()
  } catch (error) {
    if (!(error instanceof ExitTracingException)) throw error
    stopped?.()
    return undefined
  }
}

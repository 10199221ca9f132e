import type { Info } from './info.ts'
import { type Assigning, inTurn } from './turns.ts'

/** A block as it runs: a trace's, or a session's. */
export interface Running extends Assigning {
  readonly info: Info | undefined
  finished: boolean
  /** What the variables that it assigns in place were when its text had ended, and assigned nothing any more. */
  left?: readonly unknown[] | undefined
}

/**
 * Runs a block's text, when no other one assigns the same outer variables. Where it fails, those that it assigned in place are what they
 * were; what other code has assigned since stays.
 */
export async function keepingLive<R>(block: Running, run: () => Promise<R>): Promise<R> {
  const { frame, live } = block.info ?? { frame: undefined, live: [] }
  if (!frame || frame.isAlone) return ending(block, run)
  return inTurn(block, frame, async () => {
    const before = live.map(name => frame.get(name))
    try {
      return await ending(block, run)
    } catch (error) {
      for (const [i, name] of live.entries())
        if (!block.left || Object.is(frame.get(name), block.left[i])) frame.set(name, before[i])
      throw error
    }
  })
}

async function ending<R>(block: Running, run: () => Promise<R>): Promise<R> {
  try {
    return await run()
  } catch (error) {
    block.finished = true
    throw error
  }
}

import { type AssigningBlock, runExclusively } from './exclusive-blocks.ts'
import { isAlone } from './frame.ts'
import { type Info, liveVariables } from './info.ts'

/** A block as it runs: a trace's, or a session's. */
export interface RunningBlock extends AssigningBlock {
  readonly info: Info | undefined
  finished: boolean
  /** The values of the variables that it assigns in place, as its text left them. */
  variablesAtEnd?: readonly unknown[] | undefined
}

/**
 * Runs a block's text once no other block assigns the same outer variables. If it fails, the variables that it assigned in place get their
 * former values; what other code has assigned since then stays.
 */
export async function restoringVariables<R>(block: RunningBlock, run: () => Promise<R>): Promise<R> {
  const { info } = block
  const frame = info?.frame
  if (!info || !frame || isAlone(frame)) return markingEnd(block, run)
  return runExclusively(block, frame, async () => {
    const { names, values: before } = liveVariables(info)
    try {
      return await markingEnd(block, run)
    } catch (error) {
      for (const [i, name] of names.entries())
        if (!block.variablesAtEnd || Object.is(frame.get(name), block.variablesAtEnd[i])) frame.set(name, before[i])
      throw error
    }
  })
}

/** A block that fails has ended too. */
async function markingEnd<R>(block: RunningBlock, run: () => Promise<R>): Promise<R> {
  try {
    return await run()
  } catch (error) {
    block.finished = true
    throw error
  }
}

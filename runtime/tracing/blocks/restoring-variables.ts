import { type AssigningBlock, runExclusively } from './exclusive-blocks.ts'
import { isAlone } from './frame.ts'
import { type Info, liveVariables } from './info.ts'

/** A running block of a trace or a session. */
export interface RunningBlock extends AssigningBlock {
  readonly info: Info | undefined
  finished: boolean
  /** The values of the variables that the block assigns directly, when its text has ended. */
  variablesAtEnd?: readonly unknown[] | undefined
}

/**
 * Runs a block's text once no other block that assigns the same outer variables runs. If it fails, the variables that it assigned directly
 * get their former values, unless other code has assigned them since.
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

/** Marks the end of the block also when it fails. */
async function markingEnd<R>(block: RunningBlock, run: () => Promise<R>): Promise<R> {
  try {
    return await run()
  } catch (error) {
    block.finished = true
    throw error
  }
}

import { type Frame, sharesVariables } from './frame.ts'

/** A block that assigns outer variables. */
export interface AssigningBlock {
  /** The traces and sessions around the block. */
  readonly outerBlocks: readonly unknown[]
}

/** A block that waits for others, or runs. */
interface Pending {
  readonly block: AssigningBlock
  readonly frame: Frame
  readonly ended: Promise<void>
  /** Whether it has begun to run; before that it waits for others. */
  hasBegun: boolean
  waitsFor: readonly Pending[]
}

/** All blocks that wait or run, in the order of their calls. */
const pending = new Set<Pending>()

/**
 * Runs blocks that assign the same outer variables one after another, in the order of their calls. So none of them overwrites what another
 * one adds, and one that fails undoes only its own assignments. Calls `run` once no other block is in the way.
 */
export async function runExclusively<R>(block: AssigningBlock, frame: Frame, run: () => Promise<R>): Promise<R> {
  let end = (): void => {}
  const ended = new Promise<void>(resolve => {
    end = resolve
  })
  const mine: Pending = { block, frame, ended, hasBegun: false, waitsFor: [] }
  pending.add(mine)
  try {
    for (;;) {
      mine.waitsFor = blocking(mine)
      if (mine.waitsFor.length === 0) break
      // The last of them waits for the others itself.
      await mine.waitsFor.at(-1)?.ended
    }
    mine.hasBegun = true
    return await run()
  } finally {
    pending.delete(mine)
    end()
  }
}

function blocking(mine: Pending): Pending[] {
  const outer = new Set([...pending].filter(other => isOuter(other.block, mine.block)))
  const found: Pending[] = []
  let isEarlier = true
  for (const other of pending) {
    if (other === mine) isEarlier = false
    else if (
      !outer.has(other) &&
      (other.hasBegun || (isEarlier && !waitsForOne(other, outer))) &&
      sharesVariables(other.frame, mine.frame)
    )
      found.push(other)
  }
  return found
}

/** Whether a waiting block waits for one of these, directly or through others. */
function waitsForOne(waiting: Pending, outer: ReadonlySet<Pending>): boolean {
  if (outer.size === 0) return false
  const reached = new Set([waiting])
  for (const one of reached)
    if (!one.hasBegun)
      for (const next of one.waitsFor) {
        if (outer.has(next)) return true
        reached.add(next)
      }
  return false
}

function isOuter(outer: AssigningBlock, inner: AssigningBlock): boolean {
  return inner.outerBlocks.some(
    outerBlock =>
      outerBlock === outer ||
      (Array.isArray((outerBlock as AssigningBlock | undefined)?.outerBlocks) &&
        isOuter(outer, outerBlock as AssigningBlock)),
  )
}

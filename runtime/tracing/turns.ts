import type { Frame } from './frame.ts'

/** A block that assigns outer variables. */
export interface Assigning {
  /** The traces and sessions that it stands in. */
  readonly arounds: readonly unknown[]
}

interface Turn {
  readonly block: Assigning
  readonly frame: Frame
  readonly ended: Promise<void>
  /** Whether its block runs; before that it waits for others. */
  begun: boolean
  waitsFor: readonly Turn[]
}

/** In the order in which they were called. */
const turns = new Set<Turn>()

/**
 * Blocks that assign the same outer variables run one after the other, in the order of their calls: none of them overwrites what another one
 * adds, and one that fails takes back what it assigned and nothing else. Calls `run` when it is the block’s turn.
 */
export async function inTurn<R>(block: Assigning, frame: Frame, run: () => Promise<R>): Promise<R> {
  let end = (): void => {}
  const ended = new Promise<void>(resolve => {
    end = resolve
  })
  const mine: Turn = { block, frame, ended, begun: false, waitsFor: [] }
  turns.add(mine)
  try {
    for (;;) {
      mine.waitsFor = blocking(mine)
      if (mine.waitsFor.length === 0) break
      // The last of them waits for the others itself.
      await mine.waitsFor.at(-1)?.ended
    }
    mine.begun = true
    return await run()
  } finally {
    turns.delete(mine)
    end()
  }
}

function blocking(mine: Turn): Turn[] {
  const arounds = new Set([...turns].filter(other => isAround(other.block, mine.block)))
  const found: Turn[] = []
  let isEarlier = true
  for (const other of turns) {
    if (other === mine) isEarlier = false
    else if (
      !arounds.has(other) &&
      (other.begun || (isEarlier && !waitsForOne(other, arounds))) &&
      other.frame.shares(mine.frame)
    )
      found.push(other)
  }
  return found
}

/** Whether a block that waits does so for one of these, be it by way of others. */
function waitsForOne(waiting: Turn, arounds: ReadonlySet<Turn>): boolean {
  if (arounds.size === 0) return false
  const reached = new Set([waiting])
  for (const turn of reached)
    if (!turn.begun)
      for (const next of turn.waitsFor) {
        if (arounds.has(next)) return true
        reached.add(next)
      }
  return false
}

function isAround(outer: Assigning, inner: Assigning): boolean {
  return inner.arounds.some(
    around =>
      around === outer ||
      (Array.isArray((around as Assigning | undefined)?.arounds) && isAround(outer, around as Assigning)),
  )
}

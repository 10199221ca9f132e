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
      await Promise.all(mine.waitsFor.map(other => other.ended))
    }
    mine.begun = true
    return await run()
  } finally {
    turns.delete(mine)
    end()
  }
}

function blocking(mine: Turn): Turn[] {
  const found: Turn[] = []
  let isEarlier = true
  for (const other of turns) {
    if (other === mine) isEarlier = false
    else if (
      !isAround(other.block, mine.block) &&
      (other.begun || (isEarlier && !waitsForAround(other, mine))) &&
      other.frame.shares(mine.frame)
    )
      found.push(other)
  }
  return found
}

/** Whether a block that waits does so for one in which `mine` stands. */
const waitsForAround = (waiting: Turn, mine: Turn): boolean =>
  waiting.waitsFor.some(other => isAround(other.block, mine.block) || (!other.begun && waitsForAround(other, mine)))

function isAround(outer: Assigning, inner: Assigning): boolean {
  return inner.arounds.some(
    around =>
      around === outer ||
      (Array.isArray((around as Assigning | undefined)?.arounds) && isAround(outer, around as Assigning)),
  )
}

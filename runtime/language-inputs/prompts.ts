/** Rows of token ids, of a mask or of positions. */
export type Rows = readonly (readonly number[])[]

/** Prompts of one length, with a mask that is 1 for tokens and 0 for padding. */
export interface PaddedPrompts {
  readonly ids: Rows
  readonly mask: Rows
}

/** Pads prompts to the longest one's length, on one side. */
export function padPrompts(rows: Rows, side: 'left' | 'right', padding: number): PaddedPrompts {
  const length = Math.max(...rows.map(row => row.length))
  const join = (row: readonly number[], filled: number): number[] => {
    const rest = new Array<number>(length - row.length).fill(filled)
    return side === 'left' ? [...rest, ...row] : [...row, ...rest]
  }
  return {
    ids: rows.map(row => join(row, padding)),
    mask: rows.map(row => join(new Array<number>(row.length).fill(1), 0)),
  }
}

/** The position of each token, not counting padding before it: `max(0, cumsum(mask) − 1)`. */
export function positionsOf(mask: readonly number[]): number[] {
  let seen = 0
  return mask.map(real => {
    seen += real
    return Math.max(0, seen - 1)
  })
}

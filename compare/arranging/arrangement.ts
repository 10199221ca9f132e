/** How B's inputs differ from those of A. B's row 0 is A's input. */
export interface Arrangement {
  readonly rows: number
  /** The number of tokens that the row is padded with, and the side. */
  readonly padding: number
  readonly side: 'left' | 'right'
  /** The number of tokens in B's cache. */
  readonly past: number
}

export const asItIs: Arrangement = { rows: 1, padding: 0, side: 'left', past: 0 }

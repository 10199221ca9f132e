/** The positions of a row that hold tokens of its prompt, and not padding. */
export const realPositions = (mask: readonly boolean[]): number[] =>
  mask.flatMap((isReal, position) => (isReal ? [position] : []))

/** The positions of a row that are tokens of its prompt, and not padding. */
export const realPositions = (mask: readonly boolean[]): number[] =>
  mask.flatMap((isReal, position) => (isReal ? [position] : []))

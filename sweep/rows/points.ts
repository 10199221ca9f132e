import { SweepError } from '../../runtime/errors/sweep.ts'

/** One point of a sweep: a value for each of its axes. Values are data: numbers, texts, and lists and objects of them. */
export type Point = Readonly<Record<string, unknown>>

/** The values of each axis, of which every combination is a point. */
export type Grid = { readonly [axis: string]: readonly unknown[] }

/** The type of a grid’s points. */
export type PointOf<G extends Grid> = { readonly [A in keyof G]: G[A][number] }

/** The points of a grid, the last axis fastest, or those of an iterable. @throws SweepError for an axis without values */
export async function* pointsOf(over: Grid | Iterable<Point> | AsyncIterable<Point>): AsyncGenerator<Point> {
  if (Symbol.iterator in over || Symbol.asyncIterator in over) {
    yield* over as AsyncIterable<Point>
    return
  }
  yield* combinations(Object.entries(over))
}

/** The number of points; undefined if they come from an iterable without a length. */
export function countOf(over: Grid | Iterable<Point> | AsyncIterable<Point>): number | undefined {
  if (Array.isArray(over)) return over.length
  if (Symbol.iterator in over || Symbol.asyncIterator in over) return undefined
  return Object.values(over).reduce((product, values) => product * values.length, 1)
}

function* combinations(axes: readonly (readonly [string, readonly unknown[]])[]): Generator<Point> {
  const empty = axes.find(([, values]) => !Array.isArray(values) || values.length === 0)
  if (axes.length === 0 || empty)
    throw new SweepError(
      empty ? `The axis ${empty[0]} has no values.` : 'The sweep has no axes.',
      'give each axis a list: over: { layer: [0, 1, 2] }',
    )
  const [[axis, values], ...others] = axes
  for (const value of values) {
    if (others.length === 0) yield { [axis]: value }
    else for (const rest of combinations(others)) yield { [axis]: value, ...rest }
  }
}

/** What tells points apart. */
export const keyOf = (point: Point): string =>
  JSON.stringify(Object.entries(point).sort(([a], [b]) => (a < b ? -1 : 1)))

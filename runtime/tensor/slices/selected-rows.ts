import type { Dims } from '../../graph/expression.ts'
import { sizeOf } from '../dtypes/data.ts'
import { broadcastReader } from '../ops/slice.ts'
import type { Tensor } from '../tensor.ts'
import { areTogether, jointDims, rangeBounds, rangeLength, type Selection } from './selection.ts'

/** The rows that a selection takes, in its order: for each row, its place along the first `depth` axes of the tensor. */
export interface Rows {
  readonly depth: number
  /** The dims of the selection, without the trailing axes that it takes whole. */
  readonly dims: readonly number[]
  /** The places as one list, whose dims are [...dims, depth]. */
  readonly places: readonly number[]
  readonly hasRepeats: boolean
}

/** One axis of the result: `visit` sets the places on the tensor's axes for the i-th index of it. */
interface ResultAxis {
  readonly length: number
  readonly visit: (place: number[], i: number) => void
}

/**
 * Returns the rows of a selection; undefined if they depend on the data or on unknown dims, or if their places are more than `most`
 * numbers.
 */
export function rowsOf(selection: Selection, tensorDims: Dims, most: number): Rows | undefined {
  const last = selection.findLastIndex(choice => choice.kind !== 'whole')
  const taken = selection.slice(0, last + 1)
  const depth = taken.filter(choice => choice.kind !== 'newaxis').length
  if (tensorDims.slice(0, depth).includes(undefined)) return undefined
  const place = new Array<number>(depth).fill(0)
  const resultAxes: ResultAxis[] = []
  const lists: { axis: number; values: Tensor; at: number; position: number }[] = []
  let position = 0
  for (const choice of taken) {
    if (choice.kind === 'newaxis') resultAxes.push({ length: 1, visit: () => {} })
    else if (choice.kind === 'mask') return undefined
    else {
      const { axis } = choice
      const size = tensorDims[axis] as number
      if (choice.kind === 'index') {
        if (choice.at === undefined) return undefined
        place[axis] = choice.at < 0 ? choice.at + size : choice.at
        continue
      }
      if (choice.kind === 'list') {
        if (!choice.values.computed) return undefined
        lists.push({ axis, values: choice.values, at: resultAxes.length, position })
      } else {
        const range =
          choice.kind === 'range'
            ? choice.range
            : { kind: 'range' as const, start: undefined, stop: undefined, step: 1 }
        const [first] = rangeBounds(range, size)
        resultAxes.push({
          length: rangeLength(range, size) as number,
          visit: (to, i) => {
            to[axis] = first + i * range.step
          },
        })
      }
    }
    position++
  }
  if (lists.length > 0) {
    const joint = jointDims(lists.map(({ values }) => values)) as number[]
    const readers = lists.map(({ values, axis }) => ({ axis, read: broadcastReader(values, joint) }))
    const jointAxis: ResultAxis = {
      length: sizeOf(joint),
      visit: (to, i) => {
        for (const { axis, read } of readers) {
          const at = Number(read(i))
          to[axis] = at < 0 ? at + (tensorDims[axis] as number) : at
        }
      },
    }
    const at = areTogether(lists.map(list => list.position)) ? lists[0].at : 0
    return walk(resultAxes.toSpliced(at, 0, jointAxis), place, { at, joint }, tensorDims, most)
  }
  return walk(resultAxes, place, undefined, tensorDims, most)
}

function walk(
  resultAxes: readonly ResultAxis[],
  place: number[],
  lists: { at: number; joint: readonly number[] } | undefined,
  tensorDims: Dims,
  most: number,
): Rows | undefined {
  const depth = place.length
  const lengths = resultAxes.map(({ length }) => length)
  if (sizeOf(lengths) * depth > most) return undefined
  const places: number[] = []
  const visit = (axis: number): void => {
    if (axis === resultAxes.length) {
      places.push(...place)
      return
    }
    for (let i = 0; i < resultAxes[axis].length; i++) {
      resultAxes[axis].visit(place, i)
      visit(axis + 1)
    }
  }
  visit(0)
  const dims = lists ? lengths.toSpliced(lists.at, 1, ...lists.joint) : lengths
  return { depth, dims, places, hasRepeats: lists !== undefined && repeats(places, depth, tensorDims) }
}

function repeats(places: readonly number[], depth: number, tensorDims: Dims): boolean {
  const seen = new Set<number>()
  for (let i = 0; i < places.length; i += depth) {
    let number = 0
    for (let axis = 0; axis < depth; axis++) number = number * (tensorDims[axis] as number) + places[i + axis]
    seen.add(number)
  }
  return seen.size * depth < places.length
}

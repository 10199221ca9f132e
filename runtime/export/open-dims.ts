import type { ValueShape } from '../engine/scanning/value-shape.ts'
import type { Dim, Dims } from '../graph/expression.ts'
import type { ValueInfo } from '../onnx/graph/graph.ts'

/** Dims of every value, for inputs of some dims. */
export type Shapes = ReadonlyMap<string, ValueShape>

/** Inputs' dims with a number for each, by name. */
export type ProbeDims = ReadonlyMap<string, readonly number[]>

/** A model scanned for inputs of several dims: what is the same for all is so for every input. */
export interface Probes {
  /** None where no dims were found that go together. */
  readonly dims: readonly ProbeDims[]
  readonly shapes: readonly Shapes[]
}

/** Lengths for dims that vary: no two alike, and none of them the sum of others. Short ones first, as there are longest sequences. */
const lengths: readonly (readonly number[])[] = [
  [5, 7, 11, 13, 17, 19, 23, 29, 31, 37],
  [3, 11, 19, 22, 25, 27, 33, 34, 39, 41],
  [2, 9, 10, 14, 15, 21, 26, 28, 35, 38],
]
/** Audio and images need more than some tokens. */
const scales: readonly number[] = [1, 16, 256]

/** Finds dims that the model takes, and its values' dims for them. `scan` fails for dims that do not go together. */
export async function probe(inputs: readonly ValueInfo[], scan: (dims: ProbeDims) => Promise<Shapes>): Promise<Probes> {
  for (const scale of scales) {
    for (const joins of [false, true]) {
      const dims = lengths.map(each => choose(inputs, each, scale, joins))
      if (dims.includes(undefined)) continue
      try {
        const shapes: Shapes[] = []
        for (const each of dims as ProbeDims[]) shapes.push(await scan(each))
        return { dims: dims as ProbeDims[], shapes }
      } catch {
        // These do not go together: the next ones may.
      }
    }
  }
  return { dims: [], shapes: [] }
}

/** Equal names, equal lengths. With `joins`, a total of positions is what was there before and what is new. */
function choose(
  inputs: readonly ValueInfo[],
  from: readonly number[],
  scale: number,
  joins: boolean,
): ProbeDims | undefined {
  const known = new Map<string, number>()
  let next = 0
  const lengthOf = (key: string, axis: number): number => {
    const length = known.get(key) ?? from[next++ % from.length] * (axis === 0 ? 1 : scale)
    known.set(key, length)
    return length
  }
  const isTotal = (dim: unknown): boolean => joins && typeof dim === 'string' && /total|\+/.test(dim)
  const chosen = new Map<string, number[]>()
  for (const { name, dims } of inputs) {
    if (!dims) return undefined
    chosen.set(
      name,
      dims.map((dim, axis) => {
        if (typeof dim === 'number') return dim
        return isTotal(dim) ? 0 : lengthOf(dim ?? `${name} ${axis}`, axis)
      }),
    )
  }
  if (!joins) return chosen
  const partOf = (pattern: RegExp): number => [...known].find(([key]) => pattern.test(key))?.[1] ?? 0
  const total = partOf(/past/) + partOf(/^(?!.*past).*(seq|len)/)
  for (const { name, dims } of inputs) {
    dims?.forEach((dim, axis) => {
      if (isTotal(dim)) chosen.get(name)![axis] = total
    })
  }
  return chosen
}

/** What holds for all probes. */
export function inCommon({ shapes }: Probes, open: Shapes): Shapes {
  const [first, ...others] = shapes
  if (!first) return open
  const common = new Map<string, ValueShape>()
  for (const [name, { type, dims }] of first) {
    const all = others.map(each => each.get(name)?.dims)
    common.set(name, {
      type,
      dims: dims && all.every(each => each?.length === dims.length) ? same(dims, all as Dims[]) : undefined,
    })
  }
  return common
}

function same(dims: Dims, others: readonly Dims[]): Dim[] {
  return dims.map((dim, axis) => (others.every(each => each[axis] === dim) ? dim : undefined))
}

/** Whether two values have the same dims in all probes; false where that is not known. */
export function areAlike(before: Probes, tensor: string, after: readonly Shapes[], name: string): boolean {
  if (after.length === 0) return false
  return after.every((shapes, i) => {
    const [dims, own] = [before.shapes[i].get(tensor)?.dims, shapes.get(name)?.dims]
    // Of a scalar no rank is known either.
    if (!dims || !own) return dims === own && before.shapes[i].has(tensor)
    return dims.length === own.length && dims.every((dim, axis) => dim !== undefined && dim === own[axis])
  })
}

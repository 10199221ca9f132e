import type { ValueShape } from '../engine/scanning/value-shape.ts'
import type { Dim, Dims } from '../graph/expression.ts'
import type { ValueInfo } from '../onnx/graph/graph.ts'

/** Dtype and dims of every value, for inputs of some dims. */
export type Shapes = ReadonlyMap<string, ValueShape>

/** The dims of each input by name, all of them numbers. */
export type TrialDims = ReadonlyMap<string, readonly number[]>

/** The dims of a model's values for several trial dims of its inputs. A dim that is equal in all trials is taken for fixed. */
export interface TrialShapes {
  /** Empty if no dims were found that the model accepts. */
  readonly dims: readonly TrialDims[]
  readonly shapes: readonly Shapes[]
}

/** Trial lengths for open dims. In one trial no two are equal, and none is the sum of others. Short ones first: models limit the length. */
const LENGTHS: readonly (readonly number[])[] = [
  [5, 7, 11, 13, 17, 19, 23, 29, 31, 37],
  [3, 11, 19, 22, 25, 27, 33, 34, 39, 41],
  [2, 9, 10, 14, 15, 21, 26, 28, 35, 38],
]
/** Factors for the lengths, because audio and images need longer axes than tokens. */
const SCALES: readonly number[] = [1, 16, 256]

/** Finds dims that the model accepts, and the dims of its values for them. `scan` throws for dims that the model does not accept. */
export async function tryDims(
  inputs: readonly ValueInfo[],
  scan: (dims: TrialDims) => Promise<Shapes>,
): Promise<TrialShapes> {
  for (const scale of SCALES) {
    for (const hasTotals of [false, true]) {
      const dims = LENGTHS.map(each => choose(inputs, each, scale, hasTotals))
      if (dims.includes(undefined)) continue
      try {
        const shapes: Shapes[] = []
        for (const each of dims as TrialDims[]) shapes.push(await scan(each))
        return { dims: dims as TrialDims[], shapes }
      } catch {
        // The model does not accept these dims. Try the next ones.
      }
    }
  }
  return { dims: [], shapes: [] }
}

/** Chooses a length for each name of a dim. With `hasTotals`, a total length is the sum of the past length and that of the new tokens. */
function choose(
  inputs: readonly ValueInfo[],
  from: readonly number[],
  scale: number,
  hasTotals: boolean,
): TrialDims | undefined {
  const known = new Map<string, number>()
  let next = 0
  const lengthOf = (key: string, axis: number): number => {
    const length = known.get(key) ?? from[next++ % from.length] * (axis === 0 ? 1 : scale)
    known.set(key, length)
    return length
  }
  const isTotal = (dim: unknown): boolean => hasTotals && typeof dim === 'string' && /total|\+/.test(dim)
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
  if (!hasTotals) return chosen
  const partOf = (pattern: RegExp): number => [...known].find(([key]) => pattern.test(key))?.[1] ?? 0
  const total = partOf(/past/) + partOf(/^(?!.*past).*(seq|len)/)
  for (const { name, dims } of inputs) {
    dims?.forEach((dim, axis) => {
      if (isTotal(dim)) chosen.get(name)![axis] = total
    })
  }
  return chosen
}

/** The dims that are equal in all trials; `open` if there are no trials. */
export function commonShapes({ shapes }: TrialShapes, open: Shapes): Shapes {
  const [first, ...others] = shapes
  if (!first) return open
  const found = new Map<string, ValueShape>()
  for (const [name, { type, dims }] of first) {
    const all = others.map(each => each.get(name)?.dims)
    found.set(name, {
      type,
      dims: dims && all.every(each => each?.length === dims.length) ? same(dims, all as Dims[]) : undefined,
    })
  }
  return found
}

function same(dims: Dims, others: readonly Dims[]): Dim[] {
  return dims.map((dim, axis) => (others.every(each => each[axis] === dim) ? dim : undefined))
}

/** Whether two values have equal, known dims in all trials. */
export function haveSameDims(before: TrialShapes, tensor: string, after: readonly Shapes[], name: string): boolean {
  if (after.length === 0) return false
  return after.every((shapes, i) => {
    const [dims, own] = [before.shapes[i].get(tensor)?.dims, shapes.get(name)?.dims]
    // The rank of a scalar is reported as unknown.
    if (!dims || !own) return dims === own && before.shapes[i].has(tensor)
    return dims.length === own.length && dims.every((dim, axis) => dim !== undefined && dim === own[axis])
  })
}

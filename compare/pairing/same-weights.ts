import type { ModuleNode } from '../../runtime/names/tree.ts'
import type { Tensor } from '../../runtime/tensor/tensor.ts'
import type { NamedInputs, Side } from '../side.ts'
import { weightDims } from './operators.ts'
import { computing, type ModulePairs, type SameWeights } from './pair-modules.ts'

/** How many rows and columns of a matrix are compared at most, and how many elements of a vector. */
const SAMPLE = { rows: 16, columns: 32, entries: 256 }

/** Two weights count as the same if the cosine of their samples is above this, because one of them may be quantised. */
const ALIKE = 0.9

/** Finds modules with the same weights among those without a partner. It compares samples, so a weight may be quantised in one model. */
export async function sameWeights(
  a: Side,
  b: Side,
  pairs: ModulePairs,
  inputs: { readonly a: NamedInputs; readonly b: NamedInputs },
): Promise<SameWeights> {
  const open = ({ tree, graph }: Side, isPaired: (module: ModuleNode) => boolean): ModuleNode[] =>
    computing(tree).filter(module => !isPaired(module) && weightDims(module, graph) !== undefined)
  const [left, right] = [open(a, module => pairs.hasA(module)), open(b, module => pairs.hasB(module))]
  if (left.length === 0 || right.length === 0) return []
  const [ours, theirs] = [await samples(a, left, inputs.a), await samples(b, right, inputs.b)]
  const found: (readonly [ModuleNode, ModuleNode])[] = []
  const taken = new Set<ModuleNode>()
  for (const [module, one] of ours) {
    let best: { readonly module: ModuleNode; readonly likeness: number } | undefined
    for (const [candidate, other] of theirs) {
      if (taken.has(candidate)) continue
      const likeness = correlation(one, other)
      if (likeness > ALIKE && likeness > (best?.likeness ?? 0)) best = { module: candidate, likeness }
    }
    if (!best) continue
    taken.add(best.module)
    found.push([module, best.module])
  }
  return found
}

async function samples(
  { model }: Side,
  modules: readonly ModuleNode[],
  inputs: NamedInputs,
): Promise<ReadonlyMap<ModuleNode, readonly number[]>> {
  const values = await model.trace(inputs, () =>
    modules.map(({ path }) => sampleOf(model.module(path).weights.weight).to('float32').flatten()),
  )
  return new Map(modules.map((module, i) => [module, values[i].tolist() as number[]]))
}

function sampleOf(weight: Tensor): Tensor {
  const dims = weight.dims as readonly number[]
  const [rows, columns] = dims.length < 2 ? [SAMPLE.entries, 1] : [SAMPLE.rows, SAMPLE.columns]
  const most = [rows, columns, ...dims.slice(2)]
  return dims.reduce((rest, dim, axis) => rest.indexSelect(axis, spread(dim, most[axis])), weight)
}

/** At most `most` indices of an axis, evenly spaced. */
function spread(length: number, most: number): number[] {
  const count = Math.min(length, most)
  return Array.from({ length: count }, (_, i) => Math.floor((i * length) / count))
}

/** The cosine of two samples: 1 for equal ones, and 0 if they have different sizes. */
function correlation(a: readonly number[], b: readonly number[]): number {
  if (a.length !== b.length) return 0
  if (a.every((value, i) => value === b[i])) return 1
  let [dot, aa, bb] = [0, 0, 0]
  for (const [i, value] of a.entries()) {
    dot += value * b[i]
    aa += value * value
    bb += b[i] * b[i]
  }
  return dot / Math.sqrt(aa * bb)
}

import { Value } from '../graph/expression.ts'
import { isFloat } from '../tensor/dtypes/dtype.ts'
import { dimsOf, newHandle, recordOne, stateOf, type Tensor } from '../tensor/tensor.ts'
import type { ForwardNode, ForwardValue } from './forward-node.ts'
import { ruleOf } from './rules/index.ts'
import { onesLike } from './shapes.ts'

/** A node of a linked graph: the ids of the values that it reads and computes, and the node in the form that its rule takes. */
export interface DifferentiableUnit {
  /** Ids of the node's inputs; '' for an optional input that is left out. */
  readonly inputs: readonly string[]
  /** Ids that the bodies of an If, a Loop or a Scan read. */
  readonly captures: readonly string[]
  readonly outputs: readonly string[]
  readonly opType: string
  /** Whether the outputs are detached. Then the node's inputs get no gradient. */
  readonly isDetached: boolean
  /** Returns the node in the form that its rule takes, with the gradients of its outputs. */
  node(gradients: readonly (Tensor | undefined)[]): ForwardNode
  /** Creates the error for an operator that has no rule. */
  noRule(): Error
}

export interface Differentiation {
  /** The units of the graph, producers first. */
  readonly units: readonly DifferentiableUnit[]
  /** The id of the value that is differentiated. */
  readonly of: string
  /** The ids of the places, at which gradients are computed. */
  readonly at: readonly string[]
  /** The gradient of the value `of` itself; ones if undefined. */
  readonly seed: Tensor | undefined
  value(id: string): ForwardValue
}

/**
 * Differentiates in reverse mode: goes through the units from the value back to the places, and adds up the gradients that each unit's rule
 * returns for its inputs. The result has, for each place, a gradient with the place's dims; undefined if the value does not depend on it.
 */
export function differentiate({ units, of, at, seed, value }: Differentiation): (Tensor | undefined)[] {
  const { reached, cutBy } = dependents(units, at, value)
  const gradients = new Map<string, Tensor>()
  const start = value(of).tensor
  if (reached.has(of)) gradients.set(of, seed ?? onesLike(start))
  else if (cutBy.has(of)) throw cutBy.get(of)!.noRule()
  const add = (id: string, gradient: Tensor): void => {
    const like = value(id).tensor
    const before = gradients.get(id)
    const sum = before
      ? recordOne('Add', [before, gradient], { type: gradient.type, dims: dimsOf(like) })
      : withDims(gradient, like)
    gradients.set(id, sum)
  }
  for (const unit of units.toReversed()) {
    if (unit.isDetached || !unit.outputs.some(id => gradients.has(id))) continue
    const wanted = unit.inputs.map(id => id !== '' && reached.has(id))
    const captured = unit.captures.some(id => reached.has(id))
    if (!captured && !wanted.includes(true)) continue
    const node = unit.node(unit.outputs.map(id => gradients.get(id)))
    const rule = captured ? undefined : ruleOf(node)
    if (!rule) throw unit.noRule()
    const parts = rule(node)
    for (const [i, isWanted] of wanted.entries()) {
      if (!isWanted) continue
      const part = parts[i]
      if (!part) throw unit.noRule()
      add(unit.inputs[i], part())
    }
  }
  return at.map(id => gradients.get(id))
}

/** The gradient, with the value's known dims as its dims. */
function withDims(gradient: Tensor, like: Tensor): Tensor {
  const { expression, output, type } = stateOf(gradient).value
  return newHandle(new Value(expression, output, type, dimsOf(like)))
}

/** Operators that read only the dims of a value, so that their result does not depend on its elements. */
const READS_DIMS = new Set(['Shape', 'Size'])

interface Dependents {
  /** Ids of floating-point values that depend on a place. */
  readonly reached: ReadonlySet<string>
  /** Ids of values that depend on a place only through integers, texts or bools, each with the unit that computes those from floats. */
  readonly cutBy: ReadonlyMap<string, DifferentiableUnit>
}

function dependents(
  units: readonly DifferentiableUnit[],
  at: readonly string[],
  value: (id: string) => ForwardValue,
): Dependents {
  const reached = new Set(at)
  const cutBy = new Map<string, DifferentiableUnit>()
  for (const unit of units) {
    if (unit.isDetached || READS_DIMS.has(unit.opType)) continue
    const reads = [...unit.inputs, ...unit.captures]
    const isReached = reads.some(id => reached.has(id))
    const cut = isReached ? unit : reads.map(id => cutBy.get(id)).find(found => found !== undefined)
    for (const id of unit.outputs) {
      if (id === '') continue
      if (isReached && isFloat(value(id).tensor.type)) reached.add(id)
      else if (cut) cutBy.set(id, cut)
    }
  }
  return { reached, cutBy }
}

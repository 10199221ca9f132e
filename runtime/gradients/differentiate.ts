import { OnnsightError } from '../errors/error.ts'
import { Value } from '../graph/expression.ts'
import { isFloat } from '../tensor/dtypes/dtype.ts'
import { dimsOf, newHandle, recordOne, stateOf, type Tensor } from '../tensor/tensor.ts'
import type { ForwardNode, ForwardValue } from './forward-node.ts'
import { ruleOf } from './rules/index.ts'
import { carriesGradient } from './rules/quantised.ts'
import { onesLike } from './shapes.ts'

/** A node of a linked graph: the ids of what it reads and makes, and the node as its rule sees it. */
export interface DifferentiableUnit {
  /** '' for an optional input that is left out. */
  readonly inputs: readonly string[]
  /** Ids that the bodies of an If, a Loop or a Scan read. */
  readonly captures: readonly string[]
  readonly outputs: readonly string[]
  readonly opType: string
  /** Nothing flows back through a detached value. */
  readonly isDetached: boolean
  /** What becomes of the gradient that flows back through the unit, where the block says so. */
  readonly hook: ((gradient: Tensor) => Tensor) | undefined
  /** The node as its rule sees it, with the gradients that have arrived at its outputs. */
  node(gradients: readonly (Tensor | undefined)[]): ForwardNode
  /** The error for an operator that has no rule, or whose rule does not cover this node for a reason. */
  noRule(reason?: string): Error
}

export interface Differentiation<U extends DifferentiableUnit> {
  /** The units of the graph, producers first. */
  readonly units: readonly U[]
  /** The id of the value that is differentiated. */
  readonly of: string
  /** Ids of the places. */
  readonly at: readonly string[]
  /** What arrives at `of` from behind; ones if undefined. */
  readonly seed: Tensor | undefined
  value(id: string): ForwardValue
}

/**
 * Reverse mode: walks the units from the value back to the places, and adds up what each rule gives for a unit's inputs. Returns, for each
 * place, its gradient with its own dims; undefined if the value does not depend on it. `onPassed` is told of each unit that the gradient passes.
 */
export function differentiate<U extends DifferentiableUnit>(
  { units, of, at, seed, value }: Differentiation<U>,
  onPassed: (unit: U) => void,
): (Tensor | undefined)[] {
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
    const wanted = unit.inputs.map((id, i) => id !== '' && reached.has(id) && !readsDtype(unit, i))
    const captured = unit.captures.some(id => reached.has(id))
    if (!captured && !wanted.includes(true)) continue
    if (unit.hook) {
      onPassed(unit)
      add(unit.inputs[0], unit.hook(gradients.get(unit.outputs[0])!))
      continue
    }
    const node = unit.node(unit.outputs.map(id => gradients.get(id)))
    const rule = captured ? undefined : ruleOf(node)
    if (!rule) throw unit.noRule()
    onPassed(unit)
    const parts = refusing(unit, () => rule(node))
    for (const [i, isWanted] of wanted.entries()) {
      if (!isWanted) continue
      const part = parts[i]
      if (!part) throw unit.noRule()
      add(unit.inputs[i], refusing(unit, part))
    }
  }
  return at.map(id => gradients.get(id))
}

/** Runs a rule. Where it says that it does not cover this node, such as one whose rank is not known, the user gets that as the reason. */
function refusing<R>(unit: DifferentiableUnit, rule: () => R): R {
  try {
    return rule()
  } catch (error) {
    throw error instanceof Error && !(error instanceof OnnsightError) ? unit.noRule(error.message) : error
  }
}

/** The gradient with the dims of its value, as far as those are known. */
function withDims(gradient: Tensor, like: Tensor): Tensor {
  const { expression, output, type } = stateOf(gradient).value
  return newHandle(new Value(expression, output, type, dimsOf(like)))
}

/** Operators that read the dims of a value and nothing else. */
const READS_DIMS = new Set(['Shape', 'Size', 'EyeLike', 'RandomNormalLike', 'RandomUniformLike'])

/** Whether the unit reads nothing but the dtype of this input. */
const readsDtype = ({ opType }: DifferentiableUnit, input: number): boolean => opType === 'CastLike' && input === 1

interface Dependents {
  /** Ids of floating-point values that depend on a place. */
  readonly reached: ReadonlySet<string>
  /** Ids of values that depend on a place by way of integers, texts or bools alone, with the unit that made those. */
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
    const reads = [...unit.inputs.filter((_, i) => !readsDtype(unit, i)), ...unit.captures]
    const isReached = reads.some(id => reached.has(id))
    const cut = isReached ? unit : reads.map(id => cutBy.get(id)).find(found => found !== undefined)
    for (const [i, id] of unit.outputs.entries()) {
      if (id === '') continue
      if (isReached && (isFloat(value(id).tensor.type) || carriesGradient(unit.opType, i))) reached.add(id)
      else if (cut) cutBy.set(id, cut)
    }
  }
  return { reached, cutBy }
}

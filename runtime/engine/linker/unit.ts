import type { Gradient, GradientHook, Operation, Value } from '../../graph/expression.ts'
import type { NormalForm } from '../../graph/normalise.ts'
import type { Cluster, GraphNode } from '../../onnx/graph/node.ts'
import type { DataType } from '../../tensor/dtypes/dtype.ts'
import { OWN } from '../sessions/own-names.ts'

/** Values in a linked graph have ids: the model's own values their names, those that the recording adds names that begin with `OWN`. */
const PREFIX = OWN
export const operandId = (operand: number): string => `${PREFIX}$${operand}`
export const constantId = (number: number): string => `${PREFIX}#${number}`
export const resultId = (number: number, output: number): string => `${PREFIX}%${number}.${output}`
/** The id of the value at a place whose gradient is wanted, after this number of writes there. */
export const placeId = (tap: string, writes: number): string => `${PREFIX}^${writes} ${tap}`
export const copyId = (number: number, name: string): string => `${PREFIX}~${number}/${name}`
/** The id of a value of the forward pass that the backward pass computes again. */
export const recomputedId = (id: string): string => `${PREFIX}& ${id}`
/** The id of a value that the recording adds. */
export function recordedId({ numbers, operandNumbers }: NormalForm, { expression, output }: Value): string {
  if (expression.kind === 'operand') return operandId(operandNumbers.get(expression)!)
  const number = numbers.get(expression)!
  return expression.kind === 'constant' ? constantId(number) : resultId(number, output)
}

export const isModelValue = (id: string): boolean => !id.startsWith(PREFIX)
export const isConstant = (id: string): boolean => id.startsWith(`${PREFIX}#`)

/** One node of the linked graph. */
export interface Unit {
  /**
   * A node of the model, its copy for a module applied to a value, a recorded operation, or a gradient. A gradient is replaced by the
   * operations that compute it once everything before it is linked.
   */
  readonly kind: 'node' | 'copy' | 'operation' | 'gradient'
  readonly node?: GraphNode
  readonly operation?: Operation
  readonly gradient?: Gradient
  /** What becomes of the gradient that flows back through it, with the ids of the other values that this is computed from. */
  readonly hook?: { readonly expression: GradientHook; readonly reads: readonly string[] }
  /** Whether it is one of the operations that compute a gradient. */
  readonly isOfGradient?: boolean
  /** Number of the recorded expression that it belongs to, which leads to the user's line. */
  readonly expression?: number
  /** The block that contains the node in the unedited model. */
  readonly block?: number
  /** Ids of the values that it reads, after writes; '' for an optional input left out. */
  readonly inputs: readonly string[]
  /** Outer values that its subgraph bodies read: the name in the body, and the id. */
  readonly captures: readonly (readonly [name: string, id: string])[]
  readonly outputs: readonly string[]
  /** Whether an intervention changed its inputs or outputs. */
  readonly isRewired: boolean
  /** For a fused node: the nodes that it stands for. */
  readonly cluster?: Cluster
}

/** The units of a linked graph, producers first, with who makes each value and the dtypes of the values that the recording adds. */
export interface LinkedUnits {
  readonly units: Unit[]
  readonly producers: Map<string, Unit>
  readonly types: Map<string, DataType>
}

/** Every id that a unit reads. */
export function readsOf(unit: Unit): string[] {
  const reads = unit.inputs.filter(id => id !== '')
  for (const [, id] of unit.captures) reads.push(id)
  return reads
}

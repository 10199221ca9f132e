import type { Operation, Value } from '../../graph/expression.ts'
import type { NormalForm } from '../../graph/normalise.ts'
import type { Cluster, GraphNode } from '../../onnx/graph/node.ts'
import { OWN } from '../sessions/own-names.ts'

/**
 * Values in a linked graph have ids. A model's own value keeps its name; what a recording adds starts with `OWN`.
 */
const PREFIX = OWN
export const operandId = (slot: number): string => `${PREFIX}$${slot}`
export const constantId = (number: number): string => `${PREFIX}#${number}`
export const resultId = (number: number, output: number): string => `${PREFIX}%${number}.${output}`
export const copyId = (number: number, name: string): string => `${PREFIX}~${number}/${name}`
/** The id of a recorded value that stands in no model. */
export function recordedId({ numbers, slots }: NormalForm, { expression, output }: Value): string {
  if (expression.kind === 'operand') return operandId(slots.get(expression)!)
  const number = numbers.get(expression)!
  return expression.kind === 'constant' ? constantId(number) : resultId(number, output)
}

export const isModelValue = (id: string): boolean => !id.startsWith(PREFIX)
export const isConstant = (id: string): boolean => id.startsWith(`${PREFIX}#`)

/** One node of the linked graph. */
export interface Unit {
  /** A node of the model; one more copy of it, for a module applied to a value; or a recorded operation. */
  readonly kind: 'node' | 'copy' | 'operation'
  readonly node?: GraphNode
  readonly operation?: Operation
  /** Number of the recorded expression it belongs to: leads back to the user's line. */
  readonly expression?: number
  /** The block that holds the node in the unedited model. */
  readonly block?: number
  /** What it reads, after rewiring; '' for an optional input left out. */
  readonly inputs: readonly string[]
  /** What its subgraph bodies read from outside, under the names they use there. */
  readonly captures: readonly (readonly [name: string, id: string])[]
  readonly outputs: readonly string[]
  /** Whether an intervention changed what it reads, or what it is asked for. */
  readonly rewired: boolean
  /** Of a fused node that runs as it is: what it stands for. */
  readonly cluster?: Cluster
}

/** Every id that a unit reads. */
export function readsOf(unit: Unit): string[] {
  const reads = unit.inputs.filter(id => id !== '')
  for (const [, id] of unit.captures) reads.push(id)
  return reads
}

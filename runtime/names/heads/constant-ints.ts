import { Attributes } from '../../onnx/expansions/attributes.ts'
import type { OnnxGraph } from '../../onnx/graph/graph.ts'
import type { GraphNode } from '../../onnx/graph/node.ts'
import { embeddedIntegers } from '../../onnx/message/tensor-value.ts'

/** A list of integers. Those that depend on the model's inputs are undefined. */
export type Ints = readonly (number | undefined)[]

/** The most integers that are read as dims or axes. */
const MOST_INTS = 1024

/** Operators that pass on the integers of their first input unchanged. */
const KEEPS_INTS = new Set(['Cast', 'Identity', 'Unsqueeze', 'Squeeze', 'Reshape'])

/** Operators whose result is one integer: a dim that was taken out of a shape, or computed from dims. */
const ONE_INT = new Set(['Gather', 'Div', 'Mul', 'Add', 'Sub', 'Size'])

/** The integers that a value holds, such as the dims for a Reshape; undefined if not even their number is known. */
export function constantInts(graph: OnnxGraph, name: string, count?: number): Ints | undefined {
  const tensor = graph.initializers.get(name)
  if (tensor)
    return tensor.dims.reduce((size, dim) => size * Number(dim), 1) > MOST_INTS ? undefined : embeddedIntegers(tensor)
  const node = graph.producer.get(name)?.node
  if (node?.domain !== '') return undefined
  if (KEEPS_INTS.has(node.opType)) return constantInts(graph, node.inputs[0], count)
  if (ONE_INT.has(node.opType)) return [undefined]
  if (node.opType === 'Shape') return partOfShape(node)
  if (node.opType !== 'Concat') return undefined
  const parts = node.inputs.map(input => constantInts(graph, input))
  const unknown = parts.filter(part => part === undefined).length
  if (unknown > 1 || (unknown === 1 && count === undefined)) return undefined
  const known = parts.reduce((sum, part) => sum + (part?.length ?? 0), 0)
  const rest = new Array<undefined>(Math.max(0, (count ?? known) - known)).fill(undefined)
  return parts.flatMap(part => part ?? rest)
}

/** The result of a Shape with `start` and `end`: as many unknown integers as lie between these. */
function partOfShape({ proto }: GraphNode): Ints | undefined {
  const attributes = new Attributes(proto)
  const [start, end] = [attributes.int('start', 0), attributes.int('end', 0)]
  return attributes.has('end') && start < 0 === end < 0 && end > start
    ? new Array(end - start).fill(undefined)
    : undefined
}

/** The number of an axis, counted from the start. */
export const fromStart = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis)

/** A node's axes, which are an attribute in old opsets and an input in new ones; undefined if they are not known. */
export function axesOf(graph: OnnxGraph, node: GraphNode, slot: number): readonly number[] | undefined {
  const attribute = new Attributes(node.proto).ints('axes')
  if (attribute) return attribute
  const ints = node.inputs[slot] ? constantInts(graph, node.inputs[slot]) : undefined
  return ints?.every(axis => axis !== undefined) ? (ints as readonly number[]) : undefined
}

import type { OnnxGraph } from '../onnx/graph/graph.ts'
import type { GraphNode } from '../onnx/graph/node.ts'

/** Operators that only read a value's shape. */
const shapeReaders = new Set(['Shape', 'Size'])

export function readsShapeOnly({ domain, opType }: Pick<GraphNode, 'domain' | 'opType'>): boolean {
  return domain === '' && shapeReaders.has(opType)
}

/** Names that exporters give to positions and masks. */
const POSITIONAL_INPUT = /(^|_)mask$|position/i

/**
 * Values computed from shapes and constants alone, which are no activations: positions, fixed masks, sizes for Reshape. `withPositional`
 * adds those computed from inputs that are positions or masks, such as rotary angles, which one layer computes and all read.
 */
export function derivedValues(graph: OnnxGraph, withPositional = false): ReadonlySet<string> {
  const derived = new Set<string>()
  if (withPositional && graph.inputs.some(({ name }) => !POSITIONAL_INPUT.test(name)))
    for (const { name } of graph.inputs) if (POSITIONAL_INPUT.test(name)) derived.add(name)
  return addFollowing(graph, derived, readsShapeOnly)
}

/** Adds to `values` all that are computed from them and from initializers alone, and the results of the nodes that `isFixed` accepts. */
export function addFollowing(
  { nodes, initializers }: OnnxGraph,
  values: Set<string>,
  isFixed: (node: GraphNode) => boolean = () => false,
): ReadonlySet<string> {
  for (const node of nodes) {
    const reads = [...node.inputs, ...node.captures].filter(name => name !== '')
    const follows = reads.length > 0 && reads.every(name => values.has(name) || initializers.has(name))
    if (isFixed(node) || follows) for (const name of node.outputs) values.add(name)
  }
  return values
}

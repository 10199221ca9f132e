import type { OnnxGraph } from '../../onnx/graph/graph.ts'
import type { GraphNode } from '../../onnx/graph/node.ts'
import { feedsLayer } from './bodies.ts'
import { isFloat, readsWeights } from './learned.ts'

const ELEMENTWISE = new Set(['Add', 'Sub', 'Mul', 'Div'])

/**
 * Whether a Constant node holds a weight; some exporters write all weights so. Floats that a layer's operator reads are weights, and
 * vectors that are added to an activation or multiplied with it. Masks, limits and factors are not.
 */
export function isLearnedConstant(graph: OnnxGraph, name: string): boolean {
  const long = longAxes(graph, name)
  if (long === 0) return false
  const isVector = long === 1 && !hasMatrices(graph)
  return feedsLayer(
    graph,
    name,
    node => readsWeights(node.opType) || (isVector && ELEMENTWISE.has(node.opType) && meetsActivation(graph, node)),
  )
}

/** How many axes of a float tensor are longer than one; 0 for any other. */
function longAxes(graph: OnnxGraph, name: string): number {
  const tensor = graph.initializers.get(name)
  return tensor && isFloat(tensor.dataType) ? tensor.dims.filter(dim => dim > 1n).length : 0
}

/** Whether some initializer is a matrix: then the weights are initializers, and vectors in Constant nodes are rarely weights. */
function hasMatrices(graph: OnnxGraph): boolean {
  let known = hasMatricesOf.get(graph)
  if (known === undefined) {
    known = [...graph.initializers.keys()].some(name => !graph.constantNodes.has(name) && longAxes(graph, name) > 1)
    hasMatricesOf.set(graph, known)
  }
  return known
}

const hasMatricesOf = new WeakMap<OnnxGraph, boolean>()

const meetsActivation = (graph: OnnxGraph, node: GraphNode): boolean =>
  node.inputs.some(input => !graph.initializers.has(input))

import type { OnnxGraph } from '../onnx/graph/graph.ts'
import type { GraphNode } from '../onnx/graph/node.ts'

/** Operations that read a value's shape only. */
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
  for (const node of graph.nodes) {
    const reads = [...node.inputs, ...node.captures].filter(name => name !== '')
    const isFixed = (name: string): boolean => derived.has(name) || graph.initializers.has(name)
    if (readsShapeOnly(node) || (reads.length > 0 && reads.every(isFixed)))
      for (const name of node.outputs) derived.add(name)
  }
  return derived
}

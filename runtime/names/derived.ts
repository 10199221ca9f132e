import type { OnnxGraph } from '../onnx/graph/graph.ts'
import type { GraphNode } from '../onnx/graph/node.ts'

/** Operations that look at a value's shape alone. */
const shapeReaders = new Set(['Shape', 'Size'])

export function readsShapeOnly({ domain, opType }: Pick<GraphNode, 'domain' | 'opType'>): boolean {
  return domain === '' && shapeReaders.has(opType)
}

/** Inputs that say where tokens stand and which of them are there, by the names exporters give them. */
const PLACES = /(^|_)mask$|position/i

/**
 * Values that come from shapes and constants alone: positions, masks of a fixed form, sizes for Reshape. They are no activations. With
 * `withPlaces`, those too that come from a mask or positions which are inputs: rotary angles, which one layer makes and all read.
 */
export function derivedValues(graph: OnnxGraph, withPlaces = false): ReadonlySet<string> {
  const derived = new Set<string>()
  if (withPlaces && graph.inputs.some(({ name }) => !PLACES.test(name)))
    for (const { name } of graph.inputs) if (PLACES.test(name)) derived.add(name)
  for (const node of graph.nodes) {
    const reads = [...node.inputs, ...node.captures].filter(name => name !== '')
    const isFixed = (name: string): boolean => derived.has(name) || graph.initializers.has(name)
    if (readsShapeOnly(node) || (reads.length > 0 && reads.every(isFixed)))
      for (const name of node.outputs) derived.add(name)
  }
  return derived
}

import type { OnnxGraph } from '../onnx/graph.ts'

/** Operations that look at a value's shape alone. */
const shapeReaders = new Set(['Shape', 'Size'])

export function readsShapeOnly(opType: string): boolean {
  return shapeReaders.has(opType)
}

/** Values that come from shapes and constants alone: positions, masks of a fixed form, sizes for Reshape. They are no activations. */
export function derivedValues(graph: OnnxGraph): ReadonlySet<string> {
  const derived = new Set<string>()
  for (const node of graph.nodes) {
    const reads = [...node.inputs, ...node.captures].filter(name => name !== '')
    const isFixed = (name: string): boolean => derived.has(name) || graph.initializers.has(name)
    if (readsShapeOnly(node.opType) || (reads.length > 0 && reads.every(isFixed)))
      for (const name of node.outputs) derived.add(name)
  }
  return derived
}

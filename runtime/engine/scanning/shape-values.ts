import { readsShapeOnly } from '../../names/derived.ts'
import type { OnnxGraph } from '../../onnx/graph/graph.ts'
import type { GraphNode } from '../../onnx/graph/node.ts'
import type { TensorData } from '../../tensor/dtypes/data.ts'
import { assemble, type Edge } from '../sessions/assemble.ts'
import { emitTensor } from '../sessions/emit.ts'
import type { Provider } from '../sessions/provider.ts'
import type { Weights } from '../sessions/weights.ts'
import { intAttribute, ShapeArithmetic } from './shape-arithmetic.ts'
import type { ValueShape } from './value-shape.ts'

const arithmeticOf = new WeakMap<OnnxGraph, ShapeArithmetic>()

/** The shape arithmetic of a graph, cached. */
function shapeArithmetic(graph: OnnxGraph, weights: Weights): ShapeArithmetic {
  let known = arithmeticOf.get(graph)
  if (!known) {
    known = new ShapeArithmetic(graph, weights)
    arithmeticOf.set(graph, known)
  }
  return known
}

/**
 * Computes the graph's sizes, and those of the values `others` that depend on dims and small constants only, from the dims known so far.
 * onnxruntime runs the graph's integer arithmetic for that, because its shape inference follows only a part of it. Returns the values by
 * name, without those that depend on unknown dims.
 */
export async function sizesFrom(
  graph: OnnxGraph,
  weights: Weights,
  provider: Provider,
  shapes: ReadonlyMap<string, ValueShape>,
  others: readonly string[],
): Promise<Map<string, TensorData>> {
  const arithmetic = shapeArithmetic(graph, weights)
  const values = new Map<string, TensorData>()
  const ready = new Set<string>()
  const run: GraphNode[] = []
  const isReady = (name: string): boolean => name === '' || ready.has(name) || arithmetic.isSmall(name)
  for (const node of arithmetic.nodesFor(others.filter(name => arithmetic.isFixed(name)))) {
    if (readsShapeOnly(node)) {
      const dims = fixedDims(shapes.get(node.inputs[0]))
      if (!dims) continue
      values.set(node.outputs[0], sizeOf(node, dims))
    } else if ([...node.inputs, ...node.captures].every(isReady)) run.push(node)
    else continue
    for (const name of node.outputs) ready.add(name)
  }
  if (run.length === 0) return values
  const outputs = run.flatMap(node => node.outputs.filter(name => name !== ''))
  const read = new Set(run.flatMap(node => [...node.inputs, ...node.captures]))
  const model = assemble(
    {
      nodes: run.map(node => node.proto),
      inputs: [],
      outputs: outputs.map((name): Edge => ({ name, type: undefined })),
      initializers: [...read].filter(name => weights.has(name)),
      constants: [...values].filter(([name]) => read.has(name)).map(([name, value]) => emitTensor(name, value)),
    },
    weights,
    graph,
  )
  const session = await provider.create(model, { prepack: false, optimize: 'disabled' })
  try {
    const results = await session.run({}, outputs)
    for (const [name, value] of Object.entries(results)) values.set(name, value)
  } finally {
    await session.release()
  }
  return values
}

function fixedDims(shape: ValueShape | undefined): readonly number[] | undefined {
  return shape?.dims?.every(dim => dim !== undefined) ? (shape.dims as number[]) : undefined
}

function sizeOf(node: GraphNode, dims: readonly number[]): TensorData {
  if (node.opType === 'Size')
    return { type: 'int64', dims: [], data: BigInt64Array.of(BigInt(dims.reduce((a, b) => a * b, 1))) }
  const part = dims.slice(intAttribute(node, 'start') ?? 0, intAttribute(node, 'end'))
  return { type: 'int64', dims: [part.length], data: BigInt64Array.from(part, BigInt) }
}

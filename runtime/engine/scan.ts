import type { Dims } from '../graph/expression.ts'
import type { OnnxGraph } from '../onnx/graph.ts'
import { type DataType, isHeld } from '../tensor/dtype.ts'
import { dataTypeOf } from '../tensor/element-type.ts'
import { assemble, type Edge } from './assemble.ts'
import type { Provider } from './providers/provider.ts'
import { specialTypes } from './special-types.ts'
import type { Weights } from './weights.ts'

/** What is known of a value before the model runs. */
export interface ValueShape {
  /** The element type. */
  readonly type: DataType
  /** Outermost first; a dim that depends on the data is undefined, as are all if not even the rank is known. */
  readonly dims: Dims | undefined
}

/** Initializers up to this size stay in the skeleton: shapes may depend on their numbers. */
const KEPT_BYTES = 1024

/**
 * Shapes and dtypes of every value, without weights: the large initializers become inputs with their static shape, every value an
 * output, and onnxruntime infers the rest while it creates the session; its basic optimisations fold the shape arithmetic, without
 * which many dims stay open. Nothing is run.
 */
export async function scan(
  graph: OnnxGraph,
  weights: Weights,
  provider: Provider,
  inputs: readonly Edge[],
): Promise<Map<string, ValueShape>> {
  const kept: string[] = []
  const fed: Edge[] = []
  const shapes = new Map<string, ValueShape>()
  const used = new Set<string>()
  for (const node of graph.nodes) for (const value of [...node.inputs, ...node.captures]) used.add(value)
  for (const [name, tensor] of graph.initializers) {
    const type = dataTypeOf(tensor.dataType)
    if (!type) continue
    const dims = tensor.dims.map(Number)
    shapes.set(name, { type, dims })
    if (!used.has(name)) continue
    if (weights.externalBytes(name) > KEPT_BYTES) fed.push({ name, type, dims })
    else kept.push(name)
  }
  for (const { name, type, dims } of inputs) {
    if (type) shapes.set(name, { type, dims: dims?.map(dim => (typeof dim === 'number' ? dim : undefined)) })
  }
  // onnxruntime can't make a session of nothing.
  if (graph.nodes.length === 0) return shapes
  const made = graph.nodes.flatMap(node => node.outputs.filter(name => name !== ''))
  const model = (outputs: Edge[]) =>
    assemble(
      { nodes: graph.nodes.map(node => node.proto), inputs: [...inputs, ...fed], outputs, initializers: kept },
      weights,
      graph,
    )
  const options = { prepack: false, optimize: 'basic' } as const
  const special = specialTypes(graph)
  const typeOf = (name: string): DataType | undefined => declaredType(graph, name) ?? special.get(name)
  const session = await provider.create(model(made.map(name => ({ name, type: typeOf(name) }))), options)
  for (const output of session.outputs) {
    const name = output.name.replace(/ as read$/, '')
    if (output.type === 'other') continue
    const known = typeOf(name)
    shapes.set(name, {
      type: known && !isHeld(known) ? known : (output.type as DataType),
      dims: knownDims(output.dims),
    })
  }
  await session.release()
  return shapes
}

function declaredType(graph: OnnxGraph, name: string): DataType | undefined {
  return graph.valueTypes.get(name)?.type as DataType | undefined
}

/** onnxruntime says [] for a scalar and for a rank it does not know: taken for the latter, as a wrong shape would be worse. */
function knownDims(dims: readonly (number | string | undefined)[]): Dims | undefined {
  return dims.length === 0 ? undefined : dims.map(dim => (typeof dim === 'number' ? dim : undefined))
}

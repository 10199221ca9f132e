import type { OnnxGraph } from '../../onnx/graph/graph.ts'
import type { GraphNode } from '../../onnx/graph/node.ts'
import { sizeOf } from '../../tensor/dtypes/data.ts'
import type { ModuleNode } from '../tree.ts'

/** Buffers of rotary embeddings, by the names that exporters and builders give them. */
const ROTARY = /(^|[._/])((cos|sin)(_cached?)?|inv_freq)$/

const ROTARY_MODULE = /(^|\.)rotary_(emb|pos)\w*$/

/** TensorProto.DataType of floats: FLOAT, FLOAT16, DOUBLE, BFLOAT16 and those of 8 bits. */
const FLOATS = new Set([1, 10, 11, 16, 17, 18, 19, 20, 23])

/**
 * How many numbers a module itself has learned, by what identifies each tensor in the file: of a quantised weight the elements of the
 * matrix that acts. Integers that are no such weight, scales, zero points and rotary tables are not learned.
 */
export function learnedIn(graph: OnnxGraph, module: ModuleNode): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  if (ROTARY_MODULE.test(module.path)) return counts
  const parts = new Set<string>()
  for (const { form, dims, stored } of module.parameters.values()) {
    const data = form.kind === 'scaled' ? form.data : stored[0]
    if (isLearned(graph, data, sizeOf(dims))) counts.set(data, sizeOf(dims))
    for (const part of stored) parts.add(part)
  }
  for (const name of module.weights.values()) {
    const tensor = graph.initializers.get(name)
    if (!tensor || parts.has(name)) continue
    const count = sizeOf(tensor.dims.map(Number))
    if (FLOATS.has(tensor.dataType) ? isLearned(graph, name, count) : isQuantisedBias(graph, name))
      counts.set(name, count)
  }
  return counts
}

/** Single numbers that exporters made of constants have no module's path for a name. */
const isLearned = (graph: OnnxGraph, name: string, count: number): boolean =>
  (count > 1 || /^\w+(\.\w+)+$/.test(name)) && !ROTARY.test(name) && !isAside(graph, name, count)

/** Integers of 32 bits that are added to sums of products. */
const isQuantisedBias = (graph: OnnxGraph, name: string): boolean =>
  (graph.consumers.get(name) ?? []).some(
    ({ opType, inputs }) =>
      (opType === 'QLinearConv' && inputs[8] === name) || (opType === 'QGemm' && inputs[6] === name),
  )

/** Whether an initializer is read as a scale of activations, or as a rotary table, and as nothing else. */
function isAside(graph: OnnxGraph, name: string, count: number): boolean {
  const readers = (graph.consumers.get(name) ?? []).map(node => node.cluster?.fused ?? node)
  return (
    readers.length > 0 &&
    readers.every(node => (count === 1 && isQuantiser(node)) || node.opType === 'Resize' || isTable(node, name))
  )
}

const isQuantiser = ({ opType }: GraphNode): boolean => /^(QuantizeLinear|DequantizeLinear|Q[A-Z])/.test(opType)

/** Where operators take the cosines and sines of a rotary embedding. */
const TABLES: Readonly<Record<string, readonly number[]>> = {
  GroupQueryAttention: [7, 8],
  'com.microsoft.RotaryEmbedding': [2, 3],
  RotaryEmbedding: [1, 2],
}

function isTable({ domain, opType, inputs }: GraphNode, name: string): boolean {
  const slots = TABLES[`${domain}.${opType}`] ?? TABLES[opType] ?? []
  return slots.includes(inputs.indexOf(name))
}

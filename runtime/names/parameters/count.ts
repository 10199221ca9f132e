import type { OnnxGraph } from '../../onnx/graph/graph.ts'
import type { GraphNode } from '../../onnx/graph/node.ts'
import { sizeOf } from '../../tensor/dtypes/data.ts'
import type { ModuleNode } from '../tree.ts'
import { weightsInBodies } from './bodies.ts'

/** Names that exporters and builders give to the buffers of rotary embeddings. */
const ROTARY = /(^|[._/])((cos|sin)(_cached?)?|inv_freq)$/

const ROTARY_MODULE = /(^|\.)rotary_(emb|pos)\w*$/

/** TensorProto.DataType of floats: FLOAT, FLOAT16, DOUBLE, BFLOAT16 and those of 8 bits. */
const FLOATS = new Set([1, 10, 11, 16, 17, 18, 19, 20, 23])

/**
 * The number of learned elements in a module itself, without those in it, for each initializer. A quantised weight counts the elements of
 * the matrix that it stands for. Other integers, scales, zero points and rotary tables do not count.
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
  for (const index of module.own)
    for (const [name, { dims }] of weightsInBodies(graph.nodes[index])) counts.set(name, sizeOf(dims.map(Number)))
  return counts
}

/** A single number counts only if a module's path is in its name: exporters turn constants into such initializers. */
const isLearned = (graph: OnnxGraph, name: string, count: number): boolean =>
  (count > 1 || /^\w+(\.\w+)+$/.test(name)) && !ROTARY.test(name) && !isScaleOrTable(graph, name, count)

/** Whether it is the int32 bias of a quantised convolution or product. */
const isQuantisedBias = (graph: OnnxGraph, name: string): boolean =>
  (graph.consumers.get(name) ?? []).some(
    ({ opType, inputs }) =>
      (opType === 'QLinearConv' && inputs[8] === name) || (opType === 'QGemm' && inputs[6] === name),
  )

/** Whether an initializer is only read as a scale of activations or as a rotary table. */
function isScaleOrTable(graph: OnnxGraph, name: string, count: number): boolean {
  const readers = (graph.consumers.get(name) ?? []).map(node => node.cluster?.fused ?? node)
  return (
    readers.length > 0 &&
    readers.every(node => (count === 1 && isQuantiser(node)) || node.opType === 'Resize' || isRotaryTable(node, name))
  )
}

const isQuantiser = ({ opType }: GraphNode): boolean => /^(QuantizeLinear|DequantizeLinear|Q[A-Z])/.test(opType)

/** Indices of the inputs that are the cosines and sines of a rotary embedding, by operator. */
const ROTARY_INPUTS: Readonly<Record<string, readonly number[]>> = {
  GroupQueryAttention: [7, 8],
  'com.microsoft.RotaryEmbedding': [2, 3],
  RotaryEmbedding: [1, 2],
}

function isRotaryTable({ domain, opType, inputs }: GraphNode, name: string): boolean {
  const indices = ROTARY_INPUTS[`${domain}.${opType}`] ?? ROTARY_INPUTS[opType] ?? []
  return indices.includes(inputs.indexOf(name))
}

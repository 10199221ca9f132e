import type { ModuleNode } from '../../runtime/names/tree.ts'
import type { OnnxGraph } from '../../runtime/onnx/graph/graph.ts'

/** Operators that compute a matrix product, for all ways in which a weight may be stored. */
const PRODUCTS = new Set([
  ...[
    'MatMul',
    'Gemm',
    'MatMulNBits',
    'MatMulInteger',
    'MatMulIntegerToFloat',
    'DynamicQuantizeMatMul',
    'QLinearMatMul',
  ],
  ...['QGemm', 'FusedMatMul', 'FusedGemm', 'MatMulBnb4', 'MatMulFpQ4'],
])
const CONVOLUTIONS = new Set(['Conv', 'FusedConv', 'ConvInteger', 'QLinearConv', 'NhwcConv', 'NhwcFusedConv'])

/** Operators that only move the elements of a value, or change how they are stored. */
const STORAGE = new Set([
  ...[
    'Cast',
    'CastLike',
    'Identity',
    'QuantizeLinear',
    'DequantizeLinear',
    'DynamicQuantizeLinear',
    'Reshape',
    'Squeeze',
  ],
  ...[
    'Unsqueeze',
    'Flatten',
    'Transpose',
    'Shape',
    'Gather',
    'Concat',
    'Slice',
    'Constant',
    'ConstantOfShape',
    'Expand',
    'Split',
  ],
])

/** The operation of a node, with one name for its plain, quantised and fused forms; undefined for one that only moves or stores values. */
export function meaningOf(opType: string): string | undefined {
  if (PRODUCTS.has(opType)) return 'product'
  if (CONVOLUTIONS.has(opType)) return 'convolution'
  if (STORAGE.has(opType)) return undefined
  return /^QLinear(\w+)$/.exec(opType)?.[1] ?? opType
}

/** Describes what kind of module it is. By this, modules with different names are recognised as the same. */
export function signatureOf(module: ModuleNode, graph: OnnxGraph): string {
  if (module.isList) return `list of ${module.children.size}`
  const dims = weightDims(module, graph)
  if (dims) return `weight ${[...dims].sort((a, b) => a - b)}`
  const operators = module.nodes.flatMap(index => meaningOf(graph.nodes[index].opType) ?? [])
  return `${module.children.size > 0 ? 'tree' : 'leaf'} ${[...new Set(operators)].sort()}`
}

/** The dims of a module's own weight as in PyTorch; undefined if it has none. */
export function weightDims(module: ModuleNode, graph: OnnxGraph): readonly number[] | undefined {
  const stored = module.weights.get('weight')
  const dims = stored === undefined ? undefined : graph.initializers.get(stored)?.dims.map(Number)
  return module.parameters.get('weight')?.dims ?? dims
}

import type { OnnxGraph } from '../../onnx/graph/graph.ts'
import type { GraphNode } from '../../onnx/graph/node.ts'
import type { AttributeProto } from '../../onnx/schema/onnx_pb.ts'
import { type DataType, isHeld } from '../../tensor/dtypes/dtype.ts'
import { dataTypeOf } from '../../tensor/dtypes/element-type.ts'

type TypeOf = (name: string) => DataType | undefined

/** Operations whose result does not have the type of an input, or has a type that a session can return. */
const OTHER_TYPE =
  /^(Shape|Size|ArgMax|ArgMin|NonZero|Equal|Greater|GreaterOrEqual|Less|LessOrEqual|And|Or|Xor|Not|IsNaN|IsInf|If|Loop|Scan|.*Integer)$/

/** Operations whose inputs all have the result's type. */
const SAME_TYPE = /^(Add|Sub|Mul|Div|Pow|Max|Min|Mean|Sum|Concat|MatMul|Gemm|PRelu|Einsum|Mod)$/

/** Operations that move elements without changing them. No others return integers of 2 and 4 bits. */
const KEEPS_ELEMENTS =
  /^(Cast|Concat|Expand|Flatten|Gather(ND|Elements)?|Identity|Pad|Reshape|Slice|Split|Squeeze|Tile|Transpose|Unsqueeze)$/

const isPacked = (type: DataType): boolean => /^u?int[24]$/.test(type)

/**
 * Finds values of types that a session can't return (bfloat16, float8, int4), if the file does not declare them: such a value needs a Cast
 * before it can be an output. Follows the types from inputs, weights and casts through the operations.
 */
export function specialTypes(graph: OnnxGraph): ReadonlyMap<string, DataType> {
  const types = new Map<string, DataType>()
  const typeOf: TypeOf = name => {
    const weight = graph.initializers.get(name)
    const known = weight ? dataTypeOf(weight.dataType) : (graph.valueTypes.get(name)?.type as DataType | undefined)
    return known ?? types.get(name)
  }
  for (const node of graph.nodes) {
    const type = resultType(node, typeOf)
    if (!type || isHeld(type)) continue
    // Further results are indices and masks, except those of Split.
    const results = node.opType === 'Split' ? node.outputs : node.outputs.slice(0, 1)
    for (const name of results) if (name !== '' && typeOf(name) === undefined) types.set(name, type)
  }
  return types
}

function resultType(node: GraphNode, typeOf: TypeOf): DataType | undefined {
  const { opType, inputs } = node
  const stated = numberOf(node, opType === 'Cast' ? 'to' : 'output_dtype')
  if (stated) return dataTypeOf(stated)
  const input = (i: number): DataType | undefined => (inputs[i] ? typeOf(inputs[i]) : undefined)
  switch (opType) {
    case 'CastLike':
    case 'DequantizeLinear':
      return input(1)
    case 'QuantizeLinear':
      return input(2)
    case 'Where':
      return input(1) ?? input(2)
    case 'OneHot':
    case 'GatherBlockQuantized':
      return input(2)
    case 'ConstantOfShape':
      return dataTypeOf(attributeOf(node, 'value')?.t?.dataType ?? 0)
  }
  if (OTHER_TYPE.test(opType)) return undefined
  const first = input(0)
  if (first && isPacked(first)) return KEEPS_ELEMENTS.test(opType) ? first : undefined
  if (!SAME_TYPE.test(opType)) return first
  return inputs.map(typeOf).find(type => type !== undefined && !isHeld(type)) ?? first
}

function attributeOf({ proto }: GraphNode, name: string): AttributeProto | undefined {
  return proto.attribute.find(attribute => attribute.name === name)
}

function numberOf(node: GraphNode, name: string): number | undefined {
  const attribute = attributeOf(node, name)
  return attribute && Number(attribute.i)
}

import { type ModelProto, TensorProto_DataType } from '../../onnx/schema/onnx_pb.ts'

/** Whether a model has float16 inputs, weights or declared values, or casts to float16. */
export function hasFloat16({ graph }: ModelProto): boolean {
  if (!graph) return false
  const isHalf = (type: number): boolean => type === TensorProto_DataType.FLOAT16
  return (
    graph.initializer.some(({ dataType }) => isHalf(dataType)) ||
    [...graph.input, ...graph.output, ...graph.valueInfo].some(
      ({ type }) => type?.value.case === 'tensorType' && isHalf(type.value.value.elemType),
    ) ||
    graph.node.some(node => node.opType === 'Cast' && node.attribute.some(({ i }) => isHalf(Number(i))))
  )
}

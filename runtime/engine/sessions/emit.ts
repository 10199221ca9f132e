import { create } from '@bufbuild/protobuf'
import type { Attribute, Body, Operation, Value } from '../../graph/expression.ts'
import { operationsBehind } from '../../graph/leaves.ts'
import {
  type AttributeProto,
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  GraphProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  type TensorProto,
  TensorProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from '../../onnx/schema/onnx_pb.ts'
import type { TensorData } from '../../tensor/dtypes/data.ts'
import type { DataType } from '../../tensor/dtypes/dtype.ts'
import { elementType } from '../../tensor/dtypes/element-type.ts'

const utf8 = new TextEncoder()

/** One recorded operation as an ONNX node. Its name leads from an error of onnxruntime to the user's line. */
export function emitNode(
  operation: Pick<Operation, 'opType' | 'domain' | 'attributes'>,
  name: string,
  inputs: string[],
  outputs: string[],
): NodeProto {
  return create(NodeProtoSchema, {
    name,
    opType: operation.opType,
    domain: operation.domain,
    input: inputs,
    output: outputs,
    attribute: Object.entries(operation.attributes).map(([key, value]) =>
      'body' in value ? emitBody(key, value.body, `${name}/`) : emitAttribute(key, value),
    ),
  })
}

/** A body as a graph. Names of its values begin with `prefix`, because they must differ from those outside. */
function emitBody(attribute: string, { inputs, outputs }: Body, prefix: string): AttributeProto {
  const nodes: NodeProto[] = []
  const initializers = new Map<string, TensorProto>()
  const numbers = new Map<unknown, number>()
  const nameOf = ({ expression, output }: Value): string => {
    if (expression.kind === 'linked') return `${prefix}${expression.id}`
    const known = numbers.get(expression)
    const number = known ?? numbers.size
    if (known === undefined) numbers.set(expression, number)
    const name = `${prefix}${number}.${output}`
    if ('data' in expression) initializers.set(name, emitTensor(name, expression.data))
    return name
  }
  const done = new Set<Operation>()
  for (const output of outputs)
    for (const operation of operationsBehind(output, done)) {
      done.add(operation)
      const reads = operation.inputs.map(input => (input ? nameOf(input) : ''))
      const results = Array.from({ length: operation.outputs }, (_, i) =>
        nameOf({ ...output, expression: operation, output: i }),
      )
      nodes.push(emitNode(operation, `${prefix}${nodes.length}`, reads, results))
    }
  const results = outputs.map((output, i) => {
    const name = `${prefix}result ${i}`
    nodes.push(emitNode({ opType: 'Identity', domain: '', attributes: {} }, name, [nameOf(output)], [name]))
    return emitValueInfo(name, output.type, output.dims)
  })
  const g = create(GraphProtoSchema, {
    name: attribute,
    node: nodes,
    initializer: [...initializers.values()],
    input: inputs.map(input => emitValueInfo(nameOf(input), input.type, input.dims)),
    output: results,
  })
  return create(AttributeProtoSchema, { name: attribute, type: AttributeType.GRAPH, g })
}

export function emitAttribute(name: string, attribute: Attribute): AttributeProto {
  if ('int' in attribute)
    return create(AttributeProtoSchema, { name, type: AttributeType.INT, i: BigInt(attribute.int) })
  if ('ints' in attribute) {
    return create(AttributeProtoSchema, { name, type: AttributeType.INTS, ints: attribute.ints.map(BigInt) })
  }
  if ('float' in attribute) return create(AttributeProtoSchema, { name, type: AttributeType.FLOAT, f: attribute.float })
  return create(AttributeProtoSchema, { name, type: AttributeType.STRING, s: utf8.encode(attribute.string) })
}

/** A small tensor as an initializer inside the message. */
export function emitTensor(name: string, { type, dims, data }: TensorData): TensorProto {
  const tensor = create(TensorProtoSchema, { name, dims: dims.map(BigInt), dataType: elementType(type) })
  if (ArrayBuffer.isView(data)) tensor.rawData = new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice()
  else tensor.stringData = data.map(text => utf8.encode(text))
  return tensor
}

/** A graph input or output. Without dims, its rank is unknown. */
export function emitValueInfo(
  name: string,
  type?: DataType,
  dims?: readonly (number | string | undefined)[],
): ValueInfoProto {
  if (!type) return create(ValueInfoProtoSchema, { name })
  const shape = dims && {
    dim: dims.map(dim => ({
      value:
        typeof dim === 'number'
          ? { case: 'dimValue' as const, value: BigInt(dim) }
          : { case: 'dimParam' as const, value: dim ?? '' },
    })),
  }
  return create(ValueInfoProtoSchema, {
    name,
    type: { value: { case: 'tensorType', value: { elemType: elementType(type), ...(shape ? { shape } : {}) } } },
  })
}

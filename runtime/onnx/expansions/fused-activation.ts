import type { AttributeProto } from '../schema/onnx_pb.ts'
import { Attributes } from './attributes.ts'
import type { Expansion, FusedNode, Refusal } from './expansion.ts'
import { PlainNodes } from './plain-nodes.ts'

/** The attributes of each activation, in the order in which fused operators list their values. */
const PARAMETERS: Readonly<Record<string, readonly string[]>> = {
  Relu: [],
  Sigmoid: [],
  Tanh: [],
  Softsign: [],
  Softplus: [],
  HardSwish: [],
  LeakyRelu: ['alpha'],
  Elu: ['alpha'],
  ThresholdedRelu: ['alpha'],
  HardSigmoid: ['alpha', 'beta'],
}

/** com.microsoft FusedGemm: Gemm, and an activation. */
export function fusedGemm(node: FusedNode): Expansion | Refusal {
  const attributes = new Attributes(node.proto)
  const parameterValues = ['activation_alpha', 'activation_beta'].flatMap(name =>
    attributes.has(name) ? [attributes.float(name, 0)] : [],
  )
  return thenActivation('Gemm', node, node.proto.input, parameterValues)
}

/** com.microsoft FusedConv: Conv, a value that is added to its result, and an activation. */
export function fusedConv(node: FusedNode): Expansion | Refusal {
  return thenActivation(
    'Conv',
    node,
    node.proto.input.slice(0, 3),
    new Attributes(node.proto).floats('activation_params') ?? [],
  )
}

function thenActivation(
  opType: string,
  node: FusedNode,
  inputs: readonly string[],
  parameterValues: readonly number[],
): Expansion | Refusal {
  const { proto } = node
  const activation = new Attributes(proto).text('activation')
  const plain = new PlainNodes(node)
  const own: Record<string, AttributeProto> = {}
  for (const attribute of proto.attribute) if (!attribute.name.startsWith('activation')) own[attribute.name] = attribute
  const added = opType === 'Conv' ? (proto.input[3] ?? '') : ''
  const parameters = PARAMETERS[activation]
  if (activation !== '' && activation !== 'Clip' && !parameters) return { refused: `the activation ${activation}` }
  const last = activation === '' ? proto.output[0] : undefined
  let value = plain.add(opType, inputs, own, 'linear', added ? undefined : last)
  if (added) value = plain.add('Add', [value, added], {}, 'sum', last)
  if (activation === 'Clip') {
    const [min, max] = parameterValues
    plain.add('Clip', [value, plain.number(min), plain.number(max)], {}, 'activated', proto.output[0])
  } else if (activation !== '') {
    const attributes = Object.fromEntries(
      (parameters ?? []).flatMap((name, i) =>
        parameterValues[i] === undefined ? [] : [[name, { float: parameterValues[i] }]],
      ),
    )
    plain.add(activation, [value], attributes, 'activated', proto.output[0])
  }
  return { nodes: plain.nodes, initializers: plain.initializers }
}

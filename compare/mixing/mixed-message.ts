import { create } from '@bufbuild/protobuf'
import { quantisationOf } from '../../runtime/names/quantisation.ts'
import { sortNodes } from '../../runtime/onnx/graph/running-order.ts'
import { capturesOf } from '../../runtime/onnx/message/captures.ts'
import { withFields } from '../../runtime/onnx/message/message.ts'
import {
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  type GraphProto,
  type ModelProto,
  type NodeProto,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  type TensorProto,
  TensorProto_DataType,
} from '../../runtime/onnx/schema/onnx_pb.ts'
import { ownedCopy } from '../../runtime/onnx/writing/placing.ts'
import type { Side } from '../side.ts'
import type { Joined, Replacement } from './replacement.ts'

/** What stands before the names of A's values and weights, so that they differ from those of B. */
const PREFIX = 'kept/'

/** The message of B with nodes and weights of A in the place of some modules. Nodes and weights that nothing needs any more are left out. */
export function mixedMessage(message: ModelProto, a: Side, b: Side, replacements: readonly Replacement[]): ModelProto {
  const graph = message.graph!
  const nodes = [...graph.node]
  const weights = new Map<string, TensorProto>()
  for (const replacement of replacements) {
    const made = nodesOf(a, b, replacement, weights)
    const places = replacement.outputs.map(({ b }) => nodes.findIndex(({ output }) => output.includes(b)))
    for (const [i, at] of places.entries()) {
      // The old node still computes its other outputs, if something reads them.
      const replaced = replacement.outputs[i].b
      const output = nodes[at].output.map(name => (name === replaced ? `${PREFIX}replaced/${name}` : name))
      nodes[at] = withFields(nodes[at], { output })
    }
    nodes.splice(Math.min(...places), 0, ...made)
  }
  const mixed = needed(withFields(graph, { node: nodes, initializer: [...graph.initializer, ...weights.values()] }))
  const domains = new Set(message.opsetImport.map(({ domain }) => domain))
  const added = [...new Set(replacements.flatMap(({ nodes }) => nodes.map(({ domain }) => domain)))]
    .filter(domain => domain !== '' && !domains.has(domain))
    .map(domain => create(OperatorSetIdProtoSchema, { domain, version: BigInt(a.graph.opsets.get(domain) ?? 1) }))
  return withFields(message, { graph: uniquelyNamed(mixed), opsetImport: [...message.opsetImport, ...added] })
}

/** A's nodes with the names of B's values, and conversions where B has them in another type. */
function nodesOf(
  a: Side,
  b: Side,
  { module, nodes, inputs, outputs }: Replacement,
  weights: Map<string, TensorProto>,
): NodeProto[] {
  const before: NodeProto[] = []
  const named = (name: string): string => `${PREFIX}${module}/${name}`
  const renamed = new Map(
    [...inputs].map(([ours, theirs]) => [ours, converted(a, ours, b, theirs, named(ours), before)]),
  )
  const rename = (name: string): string => {
    if (name === '') return name
    const known = renamed.get(name)
    if (known !== undefined) return known
    const tensor = a.graph.initializers.get(name)
    if (!tensor) return named(name)
    weights.set(name, withFields(ownedCopy(tensor), { name: PREFIX + name }))
    return PREFIX + name
  }
  const own = nodes.map(({ proto }) =>
    withFields(proto, {
      input: proto.input.map(rename),
      output: proto.output.map(name => (name === '' ? name : named(name))),
    }),
  )
  return [...before, ...own, ...outputs.map(output => stored(a, named(output.a), b, output))]
}

/** Adds the node that converts a value of B to the type that A's nodes take, which is called `result`, and returns the name to read. */
function converted(a: Side, ours: string, b: Side, theirs: string, result: string, nodes: NodeProto[]): string {
  const [type, given] = [a.shapes.get(ours)?.type, b.shapes.get(theirs)?.type]
  if (type === given) return theirs
  const quantised = given?.includes('float') ? undefined : quantisationOf(b.graph, theirs)
  if (!quantised) {
    nodes.push(cast(theirs, result, type!))
    return result
  }
  const scaleType = typeOf(b, quantised.scale)
  const float = scaleType === type ? result : `${result}/stored`
  nodes.push(node('DequantizeLinear', [theirs, quantised.scale, quantised.zeroPoint ?? ''], float))
  if (float !== result) nodes.push(cast(float, result, type!))
  return result
}

/** The node that gives A's result the name and the type of B's value. */
function stored(a: Side, from: string, b: Side, output: Joined): NodeProto {
  const [type, due] = [a.shapes.get(output.a)?.type, b.shapes.get(output.b)?.type]
  if (type === due) return node('Identity', [from], output.b)
  const quantised = due?.includes('float') ? undefined : quantisationOf(b.graph, output.b)
  return quantised
    ? node('QuantizeLinear', [from, quantised.scale, quantised.zeroPoint ?? ''], output.b)
    : cast(from, output.b, due!)
}

const typeOf = ({ shapes, graph }: Side, value: string): string | undefined =>
  shapes.get(value)?.type ??
  (graph.initializers.get(value)?.dataType === TensorProto_DataType.FLOAT16 ? 'float16' : 'float32')

const node = (opType: string, input: readonly string[], output: string): NodeProto =>
  create(NodeProtoSchema, { name: `${output}/${opType}`, opType, input: dropLast(input), output: [output] })

const dropLast = (input: readonly string[]): string[] => (input.at(-1) === '' ? input.slice(0, -1) : [...input])

const cast = (from: string, to: string, type: string): NodeProto =>
  withFields(node('Cast', [from], to), {
    attribute: [
      create(AttributeProtoSchema, {
        name: 'to',
        type: AttributeProto_AttributeType.INT,
        i: BigInt(TensorProto_DataType[type.replace('float32', 'float').toUpperCase() as 'FLOAT']),
      }),
    ],
  })

/** The graph without nodes and weights that no output needs. */
function needed(graph: GraphProto): GraphProto {
  const makers = new Map(graph.node.flatMap(node => node.output.map(name => [name, node] as const)))
  const kept = new Set<NodeProto>()
  const read = new Set<string>()
  const open = graph.output.map(({ name }) => name)
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (read.has(name)) continue
    read.add(name)
    const maker = makers.get(name)
    if (!maker || kept.has(maker)) continue
    kept.add(maker)
    open.push(...maker.input, ...capturesOf(maker))
  }
  return withFields(graph, {
    // What was added stands where its first result is needed, which may be before what it reads.
    node: sortNodes(graph.node.filter(node => kept.has(node)).map(node => ({ node, captures: capturesOf(node) }))).map(
      ({ node }) => node,
    ),
    initializer: graph.initializer.filter(({ name }) => read.has(name)),
    sparseInitializer: graph.sparseInitializer.filter(({ values }) => read.has(values?.name ?? '')),
    valueInfo: [],
  })
}

/** Gives nodes of A that have the name of a node of B another one. */
function uniquelyNamed(graph: GraphProto): GraphProto {
  const taken = new Set<string>()
  return withFields(graph, {
    node: graph.node.map(node => {
      let { name } = node
      while (name !== '' && taken.has(name)) name = `${name}_kept`
      taken.add(name)
      return name === node.name ? node : withFields(node, { name })
    }),
  })
}

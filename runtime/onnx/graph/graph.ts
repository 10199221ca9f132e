import { InvalidGraphError } from '../../errors/onnx.ts'
import type { Alignment } from '../expansions/expansion.ts'
import { NODE } from '../expansions/plain-nodes.ts'
import { capturesOf } from '../message/captures.ts'
import { constantTensor, denseNodes, sparseConstant } from '../message/constants.ts'
import { namesIn } from '../message/defined-names.ts'
import { withFields } from '../message/message.ts'
import {
  type FunctionProto,
  type GraphProto,
  type ModelProto,
  type NodeProto,
  type TensorProto,
  TensorProto_DataType,
  type ValueInfoProto,
} from '../schema/onnx_pb.ts'
import { expandFusedNodes, takesLengths } from './clusters.ts'
import type { Cluster, GraphNode } from './node.ts'
import { sortNodes } from './running-order.ts'

/** A graph input or output, as declared. */
export interface ValueInfo {
  readonly name: string
  /** `float32`, `int64`, …; undefined for a sequence, map or optional. */
  readonly type: string | undefined
  readonly dims: readonly (number | string | undefined)[] | undefined
}

/**
 * A model's graph as the rest of onnsight sees it: Constant nodes are initializers, a sparse initializer is nodes that make its dense
 * value, and nodes are in running order.
 */
export interface OnnxGraph {
  readonly nodes: readonly GraphNode[]
  /** The inputs that must be fed: those without an initializer. */
  readonly inputs: readonly ValueInfo[]
  readonly outputs: readonly ValueInfo[]
  readonly initializers: ReadonlyMap<string, TensorProto>
  /** The Constant nodes that became initializers, by their output's name. */
  readonly constantNodes: ReadonlyMap<string, NodeProto>
  /** The declared types of values, by name. */
  readonly valueTypes: ReadonlyMap<string, ValueInfo>
  readonly producer: ReadonlyMap<string, { readonly node: GraphNode; readonly output: number }>
  readonly consumers: ReadonlyMap<string, readonly GraphNode[]>
  /** Operator set versions by domain; '' is ai.onnx. */
  readonly opsets: ReadonlyMap<string, number>
  readonly irVersion: number
  /** Model-local functions that were not inlined. */
  readonly functions: readonly FunctionProto[]
  readonly metadata: Readonly<Record<string, string>>
}

export interface GraphOptions {
  readonly clusters?: boolean
  /** The side on which rows of unequal lengths are aligned. With 'end', operators that take lengths are expanded and no longer run fused. */
  readonly rows?: Alignment
}

/**
 * Builds the graph of a message. With `clusters`, fused nodes are expanded into plain ones, and each of those has its `cluster`.
 * @throws InvalidGraphError for a value made by two nodes, or a circle
 */
export function buildGraph(proto: ModelProto, options: GraphOptions = {}): OnnxGraph {
  const graph = proto.graph as GraphProto
  const initializers = new Map(graph.initializer.map(tensor => [tensor.name, tensor]))
  const constantNodes = new Map<string, NodeProto>()
  const kept: NodeProto[] = []
  for (const node of graph.node) {
    const tensor = node.opType === 'Constant' ? constantTensor(node) : undefined
    if (!tensor) {
      const sparse = node.opType === 'Constant' ? sparseConstant(node) : undefined
      kept.push(...(sparse ? denseNodes(node.output[0], sparse) : [node]))
      continue
    }
    initializers.set(node.output[0], tensor)
    constantNodes.set(node.output[0], node)
  }
  for (const sparse of graph.sparseInitializer) kept.push(...denseNodes(sparse.values?.name ?? '', sparse))
  const opsets = new Map(
    proto.opsetImport.map(({ domain, version }) => [domain === 'ai.onnx' ? '' : domain, Number(version)]),
  )
  const valueTypes = new Map(
    [...graph.valueInfo, ...graph.input, ...graph.output].map(info => [info.name, describe(info)]),
  )
  const sorted = uniquelyNamed(sortNodes(kept.map(node => ({ node, captures: capturesOf(node) }))))
  const nodes = options.clusters
    ? withClusters(sorted, { initializers, valueTypes, opsets, taken: takenNames(graph, sorted) }, options.rows)
    : sorted.map(asGraphNode)
  const { producer, consumers } = connect(nodes)
  return {
    nodes,
    inputs: graph.input.filter(input => !initializers.has(input.name)).map(describe),
    outputs: graph.output.map(describe),
    initializers,
    constantNodes,
    valueTypes,
    producer,
    consumers,
    opsets,
    irVersion: Number(proto.irVersion),
    functions: proto.functions,
    metadata: Object.fromEntries(proto.metadataProps.map(({ key, value }) => [key, value])),
  }
}

interface Named {
  readonly node: NodeProto
  readonly captures: readonly string[]
  /** Unique: made from the operation's name if the file gives none. */
  readonly name: string
}

function uniquelyNamed(sorted: readonly Omit<Named, 'name'>[]): Named[] {
  const taken = new Set(sorted.map(({ node }) => node.name))
  const seen = new Set<string>()
  return sorted.map(({ node, captures }, index) => {
    let { name } = node
    if (name === '' || seen.has(name)) {
      const base = name || node.opType
      let i = index
      do name = `${base}_${i++}`
      while (taken.has(name) || seen.has(name))
    }
    seen.add(name)
    return { node, captures, name }
  })
}

function asGraphNode({ node, captures, name }: Named, index: number): GraphNode {
  return {
    index,
    name,
    opType: node.opType,
    domain: node.domain === 'ai.onnx' ? '' : node.domain,
    inputs: node.input,
    outputs: node.output,
    captures,
    proto: name === node.name ? node : withFields(node, { name }),
  }
}

interface GraphContext {
  readonly initializers: Map<string, TensorProto>
  readonly valueTypes: ReadonlyMap<string, ValueInfo>
  readonly opsets: ReadonlyMap<string, number>
  readonly taken: Set<string>
}

/** Names in use: those of values, in bodies too, and those of nodes, with the prefix NODE. */
function takenNames(graph: GraphProto, sorted: readonly Named[]): Set<string> {
  return new Set([...namesIn(graph), ...sorted.map(({ name }) => `${NODE}${name}`)])
}

/** The nodes of the graph, fused ones expanded. Constants of the expansions are added to the initializers. */
function withClusters(
  sorted: readonly Named[],
  { initializers, valueTypes, opsets, taken }: GraphContext,
  rows: Alignment = 'start',
): GraphNode[] {
  const { expanded: written, initializers: added } = expandFusedNodes(sorted, {
    opset: opsets.get('') ?? 1,
    rows,
    taken,
    dimsOf: value => initializers.get(value)?.dims.map(Number) ?? valueTypes.get(value)?.dims,
    typeOf: value => {
      const weight = initializers.get(value)
      return weight ? typeName(weight.dataType) : valueTypes.get(value)?.type
    },
  })
  for (const tensor of added) initializers.set(tensor.name, tensor)
  const nodes: GraphNode[] = []
  written.forEach(({ nodes: plain, expansion }, i) => {
    if (!expansion) {
      nodes.push(asGraphNode(sorted[i], nodes.length))
      return
    }
    if (rows === 'end' && takesLengths(sorted[i].node)) {
      for (const node of plain) nodes.push(asGraphNode({ node, name: node.name, captures: [] }, nodes.length))
      return
    }
    const parts: GraphNode[] = []
    const cluster: Cluster = {
      fused: asGraphNode(sorted[i], nodes.length),
      nodes: parts,
      producedValues: new Set(plain.flatMap(node => node.output)),
      optional: expansion.optional ?? new Map(),
      sum: expansion.sum,
      completed: new Set(expansion.completed),
      placedByNeighbours: new Set(expansion.placedByNeighbours),
      inside: expansion.inside,
    }
    for (const node of plain)
      parts.push({ ...asGraphNode({ node, name: node.name, captures: [] }, nodes.length + parts.length), cluster })
    nodes.push(...parts)
  })
  return nodes
}

function connect(nodes: readonly GraphNode[]): Pick<OnnxGraph, 'producer' | 'consumers'> {
  const producer = new Map<string, { node: GraphNode; output: number }>()
  const consumers = new Map<string, GraphNode[]>()
  for (const node of nodes) {
    node.outputs.forEach((name, output) => {
      if (name === '') return
      if (producer.has(name))
        throw new InvalidGraphError(
          `Two nodes produce the value ${name}: ${producer.get(name)!.node.name} and ${node.name}.`,
        )
      producer.set(name, { node, output })
    })
    for (const name of new Set([...node.inputs, ...node.captures])) {
      if (name === '') continue
      const readers = consumers.get(name)
      if (readers) readers.push(node)
      else consumers.set(name, [node])
    }
  }
  return { producer, consumers }
}

function describe({ name, type }: ValueInfoProto): ValueInfo {
  if (type?.value.case !== 'tensorType') return { name, type: undefined, dims: undefined }
  const { elemType, shape } = type.value.value
  const dims = shape?.dim.map(({ value }) => {
    if (value.case === 'dimValue') return Number(value.value)
    return value.case === 'dimParam' && value.value !== '' ? value.value : undefined
  })
  return { name, type: typeName(elemType), dims }
}

const typeNames: Readonly<Record<number, string>> = {
  [TensorProto_DataType.FLOAT]: 'float32',
  [TensorProto_DataType.DOUBLE]: 'float64',
}

/** onnxruntime's name of an element type: `float32`, `int64`, `bfloat16`. */
export function typeName(elementType: number): string | undefined {
  return typeNames[elementType] ?? TensorProto_DataType[elementType]?.toLowerCase()
}

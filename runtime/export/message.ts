import type { GraphNode } from '../onnx/graph/node.ts'
import { capturesOf } from '../onnx/message/captures.ts'
import { withFields } from '../onnx/message/message.ts'
import type { GraphProto, ModelProto, NodeProto } from '../onnx/schema/onnx_pb.ts'
import type { EditedGraph } from './lower.ts'

/** A model's message as in the file, and with calls and fused nodes replaced. */
export interface MessageForms {
  /** The message as it was read. */
  readonly file: ModelProto
  /** The message with functions inlined and fused nodes expanded, as modules and edits see it. */
  readonly inlined: ModelProto
  /** The nodes in `inlined` that replace a node of the file's main graph. */
  readonly replacements: ReadonlyMap<NodeProto, readonly NodeProto[]>
}

/**
 * The file's message with the edited graph. Calls of functions and fused nodes stay if no edit reaches inside, and what only removed nodes
 * read is removed. The messages are copied, not changed.
 */
export function editedMessage(forms: MessageForms, nodes: readonly GraphNode[], edited: EditedGraph): ModelProto {
  const graph = forms.file.graph as GraphProto
  const inlined = forms.inlined.graph as GraphProto
  const ownNodes = new OwnNodes(nodes, edited, graph)
  const list: NodeProto[] = []
  let isInlined = false
  for (const node of graph.node) {
    const inner = forms.replacements.get(node)
    const call = inner && ownNodes.callOf(node, inner)
    if (call) list.push(call)
    else if (!inner) list.push(...ownNodes.nodesOf(node))
    else {
      isInlined = true
      for (const each of inner) list.push(...ownNodes.nodesOf(each))
    }
  }
  const node = uniquelyNamed(sortedNeeded([...list, ...edited.added], graph))
  const before = namesIn(isInlined ? inlined : graph)
  const used = usedBy(node, graph)
  // An initializer that no node read before stays, like everything that the edits do not concern.
  const wasRead = usedBy(graph.node, graph)
  const inputs = new Set(graph.input.map(({ name }) => name))
  const isKept = (name: string): boolean => used.has(name) || !wasRead.has(name) || inputs.has(name)
  const own = new Set(graph.initializer.map(({ name }) => name))
  const initializer = [
    ...graph.initializer.filter(({ name }) => isKept(name)),
    // Constants of expanded fused nodes, and of branches.
    ...inlined.initializer.filter(({ name }) => !own.has(name) && used.has(name)),
    ...edited.initializers.filter(({ name }) => used.has(name)),
  ]
  const ownSparse = new Set(graph.sparseInitializer.map(({ values }) => values?.name ?? ''))
  const isAdded = (name: string): boolean => !ownSparse.has(name) && used.has(name)
  const sparseInitializer = [
    ...graph.sparseInitializer.filter(({ values }) => isKept(values?.name ?? '')),
    ...inlined.sparseInitializer.filter(({ values }) => isAdded(values?.name ?? '')),
  ]
  const after = namesIn({ ...graph, node, initializer, sparseInitializer })
  const exists = (name: string): boolean => after.has(name) || !before.has(name)
  return withFields(forms.file, {
    graph: withFields(graph, {
      node,
      initializer,
      sparseInitializer,
      valueInfo: (isInlined ? inlined : graph).valueInfo.filter(({ name }) => exists(name)),
      quantizationAnnotation: graph.quantizationAnnotation.filter(({ tensorName }) => exists(tensorName)),
    }),
    ...(isInlined ? { opsetImport: forms.inlined.opsetImport } : {}),
    // In older versions of the format an initializer must also be an input.
    ...(forms.file.irVersion < MIN_IR_VERSION && initializer.length > graph.initializer.length
      ? { irVersion: MIN_IR_VERSION }
      : {}),
  })
}

/** The first version of the format in which an initializer need not be an input. */
const MIN_IR_VERSION = 4n

/** Renames nodes with equal names, which onnxruntime refuses and other readers accept. */
function uniquelyNamed(nodes: readonly NodeProto[]): NodeProto[] {
  const taken = new Set(nodes.map(({ name }) => name))
  const seen = new Set<string>()
  return nodes.map(node => {
    let { name } = node
    for (let i = 2; name !== '' && seen.has(name); i++) if (!taken.has(`${node.name}_${i}`)) name = `${node.name}_${i}`
    seen.add(name)
    taken.add(name)
    return name === node.name ? node : withFields(node, { name })
  })
}

/** Finds the present form of the file's own nodes. */
class OwnNodes {
  readonly #nodes: readonly GraphNode[]
  readonly #edited: EditedGraph
  /** Index of a node by its first result, which is unique. */
  readonly #index: ReadonlyMap<string, number>
  /** Values that have new readers. */
  readonly #newlyRead: ReadonlySet<string>
  readonly #needed: ReadonlySet<string>

  constructor(nodes: readonly GraphNode[], edited: EditedGraph, graph: GraphProto) {
    this.#nodes = nodes
    this.#edited = edited
    this.#index = new Map(nodes.map(({ proto, index }) => [keyOf(proto), index]))
    const read = new Set<string>()
    for (const node of edited.added) for (const name of readsOf(node)) read.add(name)
    for (const [index, node] of edited.kept) {
      const before = node === nodes[index].proto ? undefined : new Set(readsOf(nodes[index].proto))
      if (before) for (const name of readsOf(node)) if (!before.has(name)) read.add(name)
    }
    this.#newlyRead = read
    this.#needed = neededNodes(
      nodes.map(({ proto }) => proto),
      graph,
    )
  }

  /** The node's present form; [] if nothing needs it. */
  nodesOf(node: NodeProto): NodeProto[] {
    const index = this.#index.get(keyOf(node))
    // It is a Constant, which is removed later if nothing reads it.
    if (index === undefined) return [node]
    const now = this.#edited.kept.get(index)
    // A node that was never needed may compute the condition of an If that a constant decides. That If may stay.
    if (!now) return this.#needed.has(keyOf(node)) ? [] : [node]
    return [now === this.#nodes[index].proto ? node : withFields(now, { name: node.name })]
  }

  /** The call with its present inputs; undefined if an edit reaches inside the function. */
  callOf(call: NodeProto, inner: readonly NodeProto[]): NodeProto | undefined {
    const results = new Set(call.output)
    const changed = new Map<string, string>()
    for (const node of inner) {
      if (node.output.some(name => name !== '' && !results.has(name) && this.#newlyRead.has(name))) return undefined
      const index = this.#index.get(keyOf(node))
      if (index === undefined) continue
      const [before, now] = [this.#nodes[index].proto, this.#edited.kept.get(index)]
      if (!now) {
        // If nothing needed the node before the edit, the call can stay.
        if (this.#needed.has(keyOf(node))) return undefined
        continue
      }
      const isRenamed = now.output.some((name, i) => name !== before.output[i])
      if (isRenamed || now.attribute !== before.attribute) return undefined
      for (const [i, name] of now.input.entries()) {
        const known = changed.get(before.input[i]) ?? name
        if (known !== name) return undefined
        changed.set(before.input[i], name)
      }
    }
    const isInput = (name: string): boolean => call.input.includes(name)
    const moved = [...changed].filter(([from, to]) => from !== to)
    if (!moved.every(([from]) => isInput(from))) return undefined
    return moved.length === 0 ? call : withFields(call, { input: call.input.map(name => changed.get(name) ?? name) })
  }
}

const keyOf = (node: NodeProto): string => node.output.find(name => name !== '') ?? ''

const readsOf = (node: NodeProto): string[] => [...node.input, ...capturesOf(node)].filter(name => name !== '')

/** The nodes that the graph's outputs need. They keep their order, except that makers come before readers. */
function sortedNeeded(nodes: readonly NodeProto[], graph: GraphProto): NodeProto[] {
  const makers = makersOf(nodes)
  const needed = neededNodes(nodes, graph)
  const done = new Set<NodeProto>()
  for (const root of nodes) {
    if (!needed.has(keyOf(root))) continue
    // The stack is explicit, because a chain of nodes may have any length.
    const open = [root]
    for (let next = open.at(-1); next; next = open.at(-1)) {
      const before = done.has(next)
        ? undefined
        : readsOf(next)
            .map(name => makers.get(name))
            .find(maker => maker !== undefined && !done.has(maker))
      if (before) open.push(before)
      else done.add(open.pop()!)
    }
  }
  return [...done]
}

function makersOf(nodes: readonly NodeProto[]): Map<string, NodeProto> {
  const makers = new Map<string, NodeProto>()
  for (const node of nodes) for (const name of node.output) if (name !== '') makers.set(name, node)
  return makers
}

/** The first results of the nodes that the graph's outputs need. */
function neededNodes(nodes: readonly NodeProto[], graph: GraphProto): Set<string> {
  const makers = makersOf(nodes)
  const found = new Set<NodeProto>()
  const open = graph.output.map(({ name }) => name)
  for (const name of open) {
    const maker = makers.get(name)
    if (!maker || found.has(maker)) continue
    found.add(maker)
    open.push(...readsOf(maker))
  }
  return new Set([...found].map(keyOf))
}

function usedBy(nodes: readonly NodeProto[], graph: GraphProto): Set<string> {
  const used = new Set(graph.output.map(({ name }) => name))
  for (const node of nodes) for (const name of readsOf(node)) used.add(name)
  return used
}

/** Names of a graph's values. */
function namesIn({
  node,
  input,
  initializer,
  sparseInitializer,
}: Pick<GraphProto, 'node' | 'input' | 'initializer' | 'sparseInitializer'>): Set<string> {
  const names = new Set([...input, ...initializer].map(({ name }) => name))
  for (const { values } of sparseInitializer) if (values) names.add(values.name)
  for (const { output } of node) for (const name of output) names.add(name)
  return names
}

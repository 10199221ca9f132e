import type { GraphNode } from '../onnx/graph/node.ts'
import { capturesOf } from '../onnx/message/captures.ts'
import { withFields } from '../onnx/message/message.ts'
import type { GraphProto, ModelProto, NodeProto } from '../onnx/schema/onnx_pb.ts'
import type { EditedGraph } from './lower.ts'

/** A model's message in the two forms that its nodes come from. */
export interface Forms {
  /** As it was read. */
  readonly file: ModelProto
  /** With its functions' nodes in the place of their calls: what modules and edits are about. */
  readonly inlined: ModelProto
  /** Of the main graph's calls: the nodes that stand in their place. */
  readonly calls: ReadonlyMap<NodeProto, readonly NodeProto[]>
}

/**
 * The model as it was read, with the edited graph in the place of its own: calls of functions stay where no edit reaches inside, and all
 * that only removed nodes read is gone. Nothing of what was given is changed.
 */
export function editedMessage(forms: Forms, nodes: readonly GraphNode[], edited: EditedGraph): ModelProto {
  const graph = forms.file.graph as GraphProto
  const inlined = forms.inlined.graph as GraphProto
  const ownNodes = new OwnNodes(nodes, edited, graph)
  const list: NodeProto[] = []
  let isInlined = false
  for (const node of graph.node) {
    const inner = forms.calls.get(node)
    const call = inner && ownNodes.callNow(node, inner)
    if (call) list.push(call)
    else if (!inner) list.push(...ownNodes.now(node))
    else {
      isInlined = true
      for (const each of inner) list.push(...ownNodes.now(each))
    }
  }
  const node = uniquelyNamed(ordered([...list, ...edited.added], graph))
  const before = namesIn(isInlined ? inlined : graph)
  const used = usedBy(node, graph)
  // What nobody read before stays, as all that has nothing to do with the edits.
  const wasRead = usedBy(graph.node, graph)
  const inputs = new Set(graph.input.map(({ name }) => name))
  const stays = (name: string): boolean => used.has(name) || !wasRead.has(name) || inputs.has(name)
  const own = new Set(graph.initializer.map(({ name }) => name))
  const initializer = [
    ...graph.initializer.filter(({ name }) => stays(name)),
    // Constants of fused nodes that are written out, and of branches.
    ...inlined.initializer.filter(({ name }) => !own.has(name) && used.has(name)),
    ...edited.initializers.filter(({ name }) => used.has(name)),
  ]
  const ownSparse = new Set(graph.sparseInitializer.map(({ values }) => values?.name ?? ''))
  const isAdded = (name: string): boolean => !ownSparse.has(name) && used.has(name)
  const sparseInitializer = [
    ...graph.sparseInitializer.filter(({ values }) => stays(values?.name ?? '')),
    ...inlined.sparseInitializer.filter(({ values }) => isAdded(values?.name ?? '')),
  ]
  const after = namesIn({ ...graph, node, initializer, sparseInitializer })
  const isThere = (name: string): boolean => after.has(name) || !before.has(name)
  return withFields(forms.file, {
    graph: withFields(graph, {
      node,
      initializer,
      sparseInitializer,
      valueInfo: (isInlined ? inlined : graph).valueInfo.filter(({ name }) => isThere(name)),
      quantizationAnnotation: graph.quantizationAnnotation.filter(({ tensorName }) => isThere(tensorName)),
    }),
    ...(isInlined ? { opsetImport: forms.inlined.opsetImport } : {}),
    // Before, an initializer had to be an input too.
    ...(forms.file.irVersion < LEAST_IR && initializer.length > graph.initializer.length
      ? { irVersion: LEAST_IR }
      : {}),
  })
}

/** The first version of the format in which an initializer need not be an input. */
const LEAST_IR = 4n

/** onnxruntime refuses two nodes of one name, which other readers of a file let pass. */
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

/** What became of the file's own nodes. */
class OwnNodes {
  readonly #nodes: readonly GraphNode[]
  readonly #edited: EditedGraph
  /** By a node's first result, which is unique. */
  readonly #index: ReadonlyMap<string, number>
  /** Values that something reads which did not read them before. */
  readonly #newlyRead: ReadonlySet<string>
  readonly #alive: ReadonlySet<string>

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
    this.#alive = reached(
      nodes.map(({ proto }) => proto),
      graph,
    )
  }

  /** The node as it is now; nothing if nobody needs it. */
  now(node: NodeProto): NodeProto[] {
    const index = this.#index.get(keyOf(node))
    // A Constant: it goes if nothing reads it, which is found later.
    if (index === undefined) return [node]
    const now = this.#edited.kept.get(index)
    // What no result comes from may be a condition that a constant decides: its If may stay.
    if (!now) return this.#alive.has(keyOf(node)) ? [] : [node]
    return [now === this.#nodes[index].proto ? node : withFields(now, { name: node.name })]
  }

  /** The call as it is now, where no edit reaches inside: at most it reads other values. Else undefined. */
  callNow(call: NodeProto, inner: readonly NodeProto[]): NodeProto | undefined {
    const results = new Set(call.output)
    const changed = new Map<string, string>()
    for (const node of inner) {
      if (node.output.some(name => name !== '' && !results.has(name) && this.#newlyRead.has(name))) return undefined
      const index = this.#index.get(keyOf(node))
      if (index === undefined) continue
      const [before, now] = [this.#nodes[index].proto, this.#edited.kept.get(index)]
      if (!now) {
        // Nobody may have needed it before.
        if (this.#alive.has(keyOf(node))) return undefined
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

/** Nodes that the graph's outputs come from, in the order given but for what must run before. */
function ordered(nodes: readonly NodeProto[], graph: GraphProto): NodeProto[] {
  const makers = makersOf(nodes)
  const alive = reached(nodes, graph)
  const done = new Set<NodeProto>()
  for (const root of nodes) {
    if (!alive.has(keyOf(root))) continue
    // Not by recursion: a chain may be of any length.
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

/** Of the nodes that the graph's outputs come from, their first results. */
function reached(nodes: readonly NodeProto[], graph: GraphProto): Set<string> {
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

/** Names that a graph gives to values. */
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

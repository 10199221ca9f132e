import type { Model } from '../../runtime/index.ts'
import { handleOf } from '../../runtime/model/modules/module.ts'
import { resolvePath } from '../../runtime/names/resolve.ts'
import type { Taps } from '../../runtime/names/taps.ts'
import type { ModuleNode } from '../../runtime/names/tree.ts'
import type { GraphNode } from '../../runtime/onnx/graph/node.ts'
import type { GraphEdge, GraphItem, GraphRequest, ModuleGraph } from '../protocol/api.ts'

/** Describes how a module computes: its children and its own nodes, and which of them reads what another one gives. */
export function viewGraph(model: Model, { path }: GraphRequest): ModuleGraph {
  const { taps } = handleOf(model)!.binding
  const module = resolvePath(taps.tree.root, path)
  const items = itemsOf(taps, module)
  const edges = edgesOf(taps, module, items)
  const used = new Set(edges.flatMap(({ from, to }) => [from, to]))
  const all = [...items.shown.values(), ...endsOf(taps, module)]
  return { path, items: all.filter(({ id }) => used.has(id)), edges, omitted: items.omitted }
}

interface Items {
  /** The item of each node of the module; undefined for those that only compute sizes. */
  readonly ofNode: ReadonlyMap<number, GraphItem>
  readonly shown: ReadonlyMap<string, GraphItem>
  readonly omitted: number
}

function itemsOf({ tree }: Taps, module: ModuleNode): Items {
  const { nodes } = tree.graph
  const ofNode = new Map<number, GraphItem>()
  const shown = new Map<string, GraphItem>()
  const add = (indices: readonly number[], item: GraphItem): void => {
    shown.set(item.id, item)
    for (const index of indices) ofNode.set(index, item)
  }
  for (const child of module.children.values())
    add(child.nodes, { id: `module ${child.path}`, kind: 'module', name: child.name, path: child.path })
  const sizes = sizesAmong(tree.graph, module)
  for (const index of module.own) {
    const { name, opType } = nodes[index]
    if (!sizes.has(index)) add([index], { id: `node ${name}`, kind: 'operation', name: opType, node: name })
  }
  return { ofNode, shown, omitted: sizes.size }
}

/** The module's own nodes that compute nothing but sizes of other values, which would hide how activations flow. */
function sizesAmong({ nodes, initializers, producer }: Taps['tree']['graph'], module: ModuleNode): ReadonlySet<number> {
  const sizes = new Set<number>()
  const isSize = (input: string): boolean => {
    const made = producer.get(input)
    return made ? sizes.has(made.node.index) : initializers.has(input)
  }
  const madeFrom = ({ opType, inputs }: GraphNode): boolean =>
    /^(Shape|Size)$/.test(opType) ||
    (inputs.some(input => producer.has(input)) && inputs.every(input => input === '' || isSize(input)))
  for (const index of [...module.nodes].sort((a, b) => a - b)) if (madeFrom(nodes[index])) sizes.add(index)
  const own = new Set(module.own)
  return new Set([...sizes].filter(index => own.has(index)))
}

const inputId = (name: string): string => `input ${name}`
const outputId = (name: string): string => `output ${name}`

/** What enters and leaves the module. */
const endsOf = (taps: Taps, module: ModuleNode): GraphItem[] => [
  ...[...taps.inputTaps(module).keys()].map(name => ({ id: inputId(name), kind: 'input' as const, name })),
  ...[...taps.outputTaps(module).keys()].map(name => ({ id: outputId(name), kind: 'output' as const, name })),
]

function edgesOf(taps: Taps, module: ModuleNode, { ofNode }: Items): GraphEdge[] {
  const { nodes, producer } = taps.tree.graph
  const inputs = taps.inputTaps(module)
  const within = new Set(module.nodes)
  const edges = new Map<string, GraphEdge>()
  const add = (from: string | undefined, to: string | undefined, value: string): void => {
    if (from !== undefined && to !== undefined && from !== to) edges.set(`${from}\n${to}`, { from, to, value })
  }
  const sourceOf = (value: string): string | undefined => {
    const made = producer.get(value)?.node.index
    if (made !== undefined && within.has(made)) return ofNode.get(made)?.id
    return inputs.has(value) ? inputId(value) : undefined
  }
  for (const index of module.nodes)
    for (const value of [...nodes[index].inputs, ...nodes[index].captures])
      add(sourceOf(value), ofNode.get(index)?.id, value)
  for (const value of taps.outputTaps(module).keys()) add(sourceOf(value), outputId(value), value)
  return [...edges.values()]
}

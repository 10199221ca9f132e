import { OnnsightError } from '../../runtime/errors/error.ts'
import type { Tap } from '../../runtime/graph/expression.ts'
import { isBlocked } from '../../runtime/names/blocked.ts'
import { derivedValues } from '../../runtime/names/derived.ts'
import { innermostPath, partsOf } from '../../runtime/names/innermost.ts'
import { quantisationOf } from '../../runtime/names/quantisation.ts'
import type { ModuleNode } from '../../runtime/names/tree.ts'
import type { GraphNode } from '../../runtime/onnx/graph/node.ts'
import type { Arrangement } from '../arranging/arrangement.ts'
import { type Part, partOf } from '../arranging/part.ts'
import type { Side } from '../side.ts'
import { alignNodes } from './align-nodes.ts'
import { meaningOf } from './operators.ts'
import type { ModulePairs } from './pair-modules.ts'

/** A value that both models compute, and that is the output or input of a module in both. `a` and `b` are its names. */
export interface ValuePair {
  readonly a: string
  readonly b: string
  /** The module of A whose nodes compute the value from earlier paired values; the root, with path '', if no other module contains them all. */
  readonly owner: ModuleNode
  /** The node that computes it, if blame goes to nodes: inside the module that was named, and in models without modules. */
  readonly node: string | undefined
  /** The paired values of A from which it is computed. */
  readonly from: readonly string[]
  readonly bytes: number
  /** The elements that both compute; all of them if it is empty. */
  readonly part: Part
}

/**
 * Pairs the values that one module computes and another reads, in the order in which A computes them; inside `inside` and in models without
 * modules, also the values of single nodes.
 */
export function pairValues(
  a: Side,
  b: Side,
  pairs: ModulePairs,
  arrangement: Arrangement,
  inside?: ModuleNode,
): ValuePair[] {
  const partners = new Map<string, string>()
  const taken = new Set<string>()
  const isFree = (one: string, other: string | undefined): other is string =>
    other !== undefined &&
    !taken.has(other) &&
    sharedPart(a, one, b, other, arrangement) !== undefined &&
    !isBlocked(a.graph, one) &&
    !isBlocked(b.graph, other) &&
    isNumber(b, other)
  const crosses = new Map(crossing(a))
  for (const [value, node] of crosses) {
    const scope = a.tree.scopeOf(node)
    const partner = [
      () => byName(a, b, pairs, value),
      ...rolesOf(a, value, scope).map(
        ({ module, direction }) =>
          () =>
            mainTap(b, pairs.of(module)?.module, direction)?.tensor,
      ),
    ]
      .map(find => beforeDequantising(b, find()))
      .find(other => isFree(value, other))
    if (partner === undefined) continue
    partners.set(value, partner)
    taken.add(partner)
  }
  const isFlat = [a, b].map(({ tree }) => tree.root.children.size === 0)
  const opened = inside ?? (isFlat.includes(true) ? a.tree.root : undefined)
  const within = opened && pairs.of(opened)?.module
  const nodesOf = ({ graph }: Side, { nodes }: ModuleNode): GraphNode[] => nodes.map(index => graph.nodes[index])
  if (opened && within)
    for (const [value, partner] of alignNodes(a, nodesOf(a, opened), b, nodesOf(b, within))) {
      if (partners.has(value) || !isFree(value, partner)) continue
      if (!inside && !isFlat[0] && !crosses.has(value)) continue
      partners.set(value, partner)
      taken.add(partner)
    }
  const byNode = new Set(inside || isFlat[0] ? opened?.nodes : [])
  const place = (value: string): number => a.graph.producer.get(value)!.node.index
  return [...partners]
    .sort(([one], [other]) => place(one) - place(other))
    .map(([value, partner]) => {
      const made = a.graph.producer.get(value)!.node
      const region = regionOf(a, value, partners)
      const owner = ownerOf(a, b, pairs, region.nodes, regionOf(b, partner, taken).nodes)
      const node = byNode.has(made.index) ? computingNode(a, region.nodes).name : undefined
      return {
        a: value,
        b: partner,
        owner,
        node,
        from: region.from,
        bytes: bytesOf(a, value),
        part: sharedPart(a, value, b, partner, arrangement) ?? [],
      }
    })
}

/** The last node of a region that computes, and does not only store its value otherwise. */
function computingNode(side: Side, region: ReadonlySet<GraphNode>): GraphNode {
  const nodes = activating(side, region)
  return nodes.find(({ opType }) => meaningOf(opType) !== undefined) ?? nodes[0]
}

/** What is to blame for a value: the node that makes it, or the path of its module. */
export const makerOf = ({ owner, node }: ValuePair): string => node ?? owner.path

/** The quantised activation that others may read beside this one of its dequantised copies; else the value itself. */
function beforeDequantising({ graph }: Side, value: string | undefined): string | undefined {
  const node = value === undefined ? undefined : graph.producer.get(value)?.node
  if (node?.opType !== 'DequantizeLinear') return value
  const [integers] = node.inputs
  const isShared = (graph.consumers.get(integers)?.length ?? 0) > 1
  return isShared && quantisationOf(graph, integers) ? integers : value
}

/** Whether a value is floats, or integers that stand for floats. */
const isNumber = ({ graph, shapes }: Side, value: string): boolean =>
  (shapes.get(value)?.type.includes('float') ?? false) || quantisationOf(graph, value) !== undefined

/** Whether B still computes something between the paired values and an output, other than storing them in another form. */
export function computesAfter(b: Side, pairs: readonly ValuePair[]): boolean {
  const paired = new Set(pairs.map(pair => pair.b))
  return b.graph.outputs
    .filter(({ name, type }) => !paired.has(name) && isResult(name) && type?.includes('float'))
    .some(({ name }) =>
      activating(b, regionOf(b, name, paired).nodes).some(({ opType }) => meaningOf(opType) !== undefined),
    )
}

/** Whether an output is a result and not a cache. What a cache contains is also read by the attention that computes it. */
export const isResult = (output: string): boolean => !/present|past|cache/i.test(output)

/** The float or quantised values that nodes outside of their module read, or that are outputs of the model, each with its node. */
function crossing({ graph, tree, shapes }: Side): (readonly [string, GraphNode])[] {
  const outputs = new Set(graph.outputs.map(({ name }) => name).filter(isResult))
  return graph.nodes.flatMap(node =>
    node.outputs.flatMap(name => {
      const scope = tree.scopeOf(node)
      const isRead = (graph.consumers.get(name) ?? []).some(reader => tree.scopeOf(reader) !== scope)
      const shape = shapes.get(name)
      const isKnown = shape?.dims?.every(dim => dim !== undefined && dim > 0) ?? false
      const isActivation = isKnown && (shape!.type.includes('float') || quantisationOf(graph, name) !== undefined)
      return name !== '' && isActivation && (isRead || outputs.has(name)) ? [[name, node] as const] : []
    }),
  )
}

/** The value of B with the same name, if the partner of the value's module computes it. */
function byName(a: Side, b: Side, pairs: ModulePairs, value: string): string | undefined {
  const [one, other] = [a.graph.producer.get(value), b.graph.producer.get(value)]
  if (!one || !other) return undefined
  const partner = pairs.of(a.tree.scopeOf(one.node))?.module
  const scope = b.tree.scopeOf(other.node)
  return partner === scope && (partner.path !== '' || one.node.opType === other.node.opType) ? value : undefined
}

interface Role {
  readonly module: ModuleNode
  readonly direction: Tap['direction']
}

/** The modules that have a value as their main output or input, innermost first. */
function rolesOf(side: Side, value: string, scope: ModuleNode): Role[] {
  const roles: Role[] = []
  for (let up: ModuleNode | undefined = scope; up; up = up.parent)
    if (mainTap(side, up, 'out')?.tensor === value) roles.push({ module: up, direction: 'out' })
  for (const reader of side.graph.consumers.get(value) ?? [])
    for (let up: ModuleNode | undefined = side.tree.scopeOf(reader); up; up = up.parent)
      if (mainTap(side, up, 'in')?.tensor === value) roles.push({ module: up, direction: 'in' })
  return roles
}

/** The tap of a module's main output or input; undefined if there is none, or if there are several. */
export function mainTap({ taps }: Side, module: ModuleNode | undefined, direction: Tap['direction']): Tap | undefined {
  if (!module) return undefined
  try {
    return direction === 'out' ? taps.outputTap(module) : taps.inputTap(module)
  } catch (error) {
    if (error instanceof OnnsightError) return undefined
    throw error
  }
}

/** The part that two values share; undefined if dims are unknown, or if those of one don't follow from those of the other. */
function sharedPart(a: Side, one: string, b: Side, other: string, arrangement: Arrangement): Part | undefined {
  const [left, right] = [a.shapes.get(one)?.dims, b.shapes.get(other)?.dims]
  if (!left || !right) return undefined
  if (String(left) === String(right)) return []
  const isKnown = (dims: readonly (number | undefined)[]): dims is readonly number[] => !dims.includes(undefined)
  return isKnown(left) && isKnown(right) ? partOf(left, right, arrangement) : undefined
}

function bytesOf({ shapes }: Side, value: string): number {
  return 4 * (shapes.get(value)?.dims?.reduce<number>((size, dim) => size * (dim ?? 1), 1) ?? 0)
}

/** The nodes that compute a value from paired values, and those paired values. */
function regionOf(
  { graph }: Side,
  value: string,
  isPaired: { has(name: string): boolean },
): { readonly nodes: ReadonlySet<GraphNode>; readonly from: readonly string[] } {
  const nodes = new Set<GraphNode>()
  const from = new Set<string>()
  const open = [value]
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const node = graph.producer.get(name)?.node
    if (!node || nodes.has(node)) continue
    nodes.add(node)
    for (const read of [...node.inputs, ...node.captures]) {
      if (isPaired.has(read)) from.add(read)
      else open.push(read)
    }
  }
  return { nodes, from: [...from] }
}

/**
 * The innermost module of A that contains all nodes which compute a paired value's activations from earlier ones. If B computes some of them
 * outside of this module's partner, the modules of A that correspond to those places must be contained too.
 */
function ownerOf(
  a: Side,
  b: Side,
  pairs: ModulePairs,
  ours: ReadonlySet<GraphNode>,
  theirs: ReadonlySet<GraphNode>,
): ModuleNode {
  const owner = innermost(
    a,
    [...activating(a, ours)].map(node => a.tree.scopeOf(node)),
  )
  const partner = pairs.of(owner)?.module
  if (!partner) return owner
  const isInside = (path: string): boolean =>
    partner.path === '' || path === partner.path || path.startsWith(`${partner.path}.`)
  const outside = [...activating(b, theirs)]
    .filter(({ opType }) => meaningOf(opType) !== undefined)
    .map(node => b.tree.scopeOf(node))
    .filter(({ path }) => !isInside(path))
  return innermost(a, [owner, ...outside.flatMap(scope => nearestPartner(pairs, scope) ?? [])])
}

/** The partner of a module of B; if it has none, that of the innermost module around it that has one. */
function nearestPartner(pairs: ModulePairs, scope: ModuleNode): ModuleNode | undefined {
  for (let up: ModuleNode | undefined = scope; up; up = up.parent) {
    const partner = pairs.back(up)
    if (partner) return partner
  }
  return undefined
}

/** The nodes that compute activations, without those of masks, positions and sizes. If there are none, only the node of the value itself. */
function activating({ graph }: Side, nodes: ReadonlySet<GraphNode>): GraphNode[] {
  const fixed = derivedOf(graph)
  const own = [...nodes].filter(({ outputs }) => outputs.some(name => !fixed.has(name)))
  // For a table of positions, for example, that is the node that makes its rows, and not those that count them.
  return own.length > 0 ? own : [...nodes].slice(0, 1)
}

function innermost({ tree }: Side, modules: readonly ModuleNode[]): ModuleNode {
  return tree.get(innermostPath(modules.map(({ path }) => partsOf(path))).join('.')) ?? tree.root
}

const knownDerived = new WeakMap<object, ReadonlySet<string>>()

function derivedOf(graph: Side['graph']): ReadonlySet<string> {
  const known = knownDerived.get(graph) ?? derivedValues(graph, true)
  knownDerived.set(graph, known)
  return known
}

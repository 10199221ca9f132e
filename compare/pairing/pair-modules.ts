import type { ModuleNode, ModuleTree } from '../../runtime/names/tree.ts'
import type { OnnxGraph } from '../../runtime/onnx/graph/graph.ts'
import { signatureOf } from './operators.ts'

/** How two modules were recognised as the same. */
export type FoundBy = 'path' | 'name' | 'weights' | 'structure'

/** The pairs of modules of two models that correspond to each other. */
export class ModulePairs {
  readonly #toB = new Map<ModuleNode, { readonly module: ModuleNode; readonly by: FoundBy }>()
  readonly #toA = new Map<ModuleNode, ModuleNode>()

  add(a: ModuleNode, b: ModuleNode, by: FoundBy): void {
    this.#toB.set(a, { module: b, by })
    this.#toA.set(b, a)
  }

  /** The partner of a module of A, and how it was recognised. */
  of(a: ModuleNode): { readonly module: ModuleNode; readonly by: FoundBy } | undefined {
    return this.#toB.get(a)
  }

  /** The partner of a module of B. */
  back(b: ModuleNode): ModuleNode | undefined {
    return this.#toA.get(b)
  }

  hasA(module: ModuleNode): boolean {
    return this.#toB.has(module)
  }

  hasB(module: ModuleNode): boolean {
    return this.#toA.has(module)
  }
}

/** Modules of A and B with the same weights. */
export type SameWeights = readonly (readonly [a: ModuleNode, b: ModuleNode])[]

/** The modules that have nodes. Only those can be compared. */
export const computing = (tree: ModuleTree): ModuleNode[] => tree.modules.filter(({ nodes }) => nodes.length > 0)

/** Pairs the modules that have the same path in both models. */
export function pairByPath(a: ModuleTree, b: ModuleTree): ModulePairs {
  const pairs = new ModulePairs()
  for (const module of computing(a)) {
    const same = b.get(module.path)
    if (same && same.nodes.length > 0) pairs.add(module, same, 'path')
  }
  return pairs
}

/**
 * Pairs the modules whose paths differ: first those with the same weights, then those that contain them, then children with the same name of
 * paired modules, and last, in the order of the children, those of the same kind.
 */
export function pairOthers(pairs: ModulePairs, a: ModuleTree, b: ModuleTree, same: SameWeights): void {
  for (const [one, other] of same) if (!pairs.hasA(one) && !pairs.hasB(other)) pairs.add(one, other, 'weights')
  pairParents(pairs, a)
  pairChildren(pairs, a.root, pairs.of(a.root)?.module ?? b.root, { a: a.graph, b: b.graph })
}

/** Pairs a module of A with the module of B that contains the partners of at least half of its children. */
function pairParents(pairs: ModulePairs, a: ModuleTree): void {
  for (const module of computing(a).reverse()) {
    if (pairs.hasA(module) || module.children.size === 0) continue
    const votes = new Map<ModuleNode, number>()
    const children = [...module.children.values()]
    for (const child of children) {
      const parent = pairs.of(child)?.module.parent
      if (parent && !pairs.hasB(parent)) votes.set(parent, (votes.get(parent) ?? 0) + 1)
    }
    const [best] = [...votes].sort(([, one], [, other]) => other - one)
    if (best && best[1] * 2 >= children.length) pairs.add(module, best[0], 'structure')
  }
}

interface Graphs {
  readonly a: OnnxGraph
  readonly b: OnnxGraph
}

function pairChildren(pairs: ModulePairs, a: ModuleNode, b: ModuleNode, graphs: Graphs): void {
  const open = (module: ModuleNode, isPaired: (child: ModuleNode) => boolean): ModuleNode[] =>
    [...module.children.values()].filter(child => child.nodes.length > 0 && !isPaired(child))
  for (const child of open(a, one => pairs.hasA(one))) {
    const named = b.children.get(child.name)
    if (named && named.nodes.length > 0 && !pairs.hasB(named)) pairs.add(child, named, 'name')
  }
  const [left, right] = [open(a, one => pairs.hasA(one)), open(b, one => pairs.hasB(one))]
  for (const [one, other] of inOrder(left, right, graphs)) pairs.add(one, other, 'structure')
  for (const child of a.children.values()) {
    const partner = pairs.of(child)
    if (partner) pairChildren(pairs, child, partner.module, graphs)
  }
}

/** Pairs modules of the same kind, in the order of both lists. */
function inOrder(
  a: readonly ModuleNode[],
  b: readonly ModuleNode[],
  graphs: Graphs,
): (readonly [ModuleNode, ModuleNode])[] {
  const pairs: (readonly [ModuleNode, ModuleNode])[] = []
  const left = a.map(module => signatureOf(module, graphs.a))
  const right = b.map(module => signatureOf(module, graphs.b))
  let from = 0
  for (const [i, signature] of left.entries()) {
    const found = right.indexOf(signature, from)
    // If one side has two modules of a kind and the other has one, it is not known which of the two it corresponds to.
    const isUnique = left.filter(one => one === signature).length === right.filter(one => one === signature).length
    if (found < 0 || !isUnique) continue
    pairs.push([a[i], b[found]])
    from = found + 1
  }
  return pairs
}

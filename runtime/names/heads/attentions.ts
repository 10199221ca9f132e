import type { GraphNode } from '../../onnx/graph/node.ts'
import type { ModuleNode, ModuleTree } from '../tree.ts'
import { type Attention, isAttention, type NoAttention } from './attention.ts'
import { attentionAt } from './find-attention.ts'
import { Flow } from './flow.ts'
import type { DimsOf } from './layout.ts'

/** Matches fused operators that mix values by a pattern. Their heads are not known unless they are written out in plain nodes. */
const FUSED = /Attention$/

/** All attentions of a model, each found when it is first asked for. */
export class Attentions {
  readonly #tree: ModuleTree
  readonly #dimsOf: DimsOf
  readonly #found = new Map<GraphNode, Attention | NoAttention | undefined>()
  #flow: Flow | undefined

  /** @param dimsOf a value's dims, as far as they hold for all inputs */
  constructor(tree: ModuleTree, dimsOf: DimsOf) {
    this.#tree = tree
    this.#dimsOf = dimsOf
  }

  /** How activations flow through the model. */
  get flow(): Flow {
    this.#flow ??= new Flow(this.#tree.graph)
    return this.#flow
  }

  /** The attentions of a module, in running order, together with nodes that look like one, but whose heads are not known. */
  in(module: ModuleNode): readonly (Attention | NoAttention)[] {
    const { nodes } = this.#tree.graph
    return module.nodes.flatMap(index => this.#at(nodes[index]) ?? [])
  }

  #at(node: GraphNode): Attention | NoAttention | undefined {
    if (node.opType === 'Softmax' || node.opType === 'QLinearSoftmax') {
      if (!this.#found.has(node)) this.#found.set(node, attentionAt(this.flow, this.#dimsOf, node))
      return this.#found.get(node)
    }
    if (!FUSED.test(node.opType) || node.cluster) return undefined
    return { node, reason: `the operator of ${node.name}, ${node.opType}, can’t be opened` }
  }

  /** Whether a module has one attention, so that its heads are known. */
  hasOne(module: ModuleNode): boolean {
    return this.in(module).filter(isAttention).length === 1
  }

  /** The innermost modules inside `module` that have one attention each. If `module` has several, the user can choose one of these. */
  modulesWithOne(module: ModuleNode): ModuleNode[] {
    const some = [...module.children.values()].filter(child => this.in(child).some(isAttention))
    return some.flatMap(child => {
      const inner = this.modulesWithOne(child)
      return inner.length === 0 && this.hasOne(child) ? [child] : inner
    })
  }
}

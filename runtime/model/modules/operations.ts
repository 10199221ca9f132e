import { asCode } from '../../errors/as-code.ts'
import { NoSuchMemberError, NotAssignableError } from '../../errors/members.ts'
import { UnknownNameError, UnknownOperationError } from '../../errors/names.ts'
import { nearestNames } from '../../errors/nearest-names.ts'
import { ArgumentError } from '../../errors/tensor.ts'
import type { Tap } from '../../graph/expression.ts'
import type { ModuleNode } from '../../names/tree.ts'
import type { GraphNode } from '../../onnx/graph/node.ts'
import { currentPosition } from '../../tensor/current-position.ts'
import { guardMembers } from '../../tensor/members/guard-members.ts'
import { isReadByTools, valueForTools } from '../../tensor/members/names-tools-read.ts'
import { Tensor } from '../../tensor/tensor.ts'
import type { TensorLike } from '../../tensor/values/convert.ts'
import type { Binding } from './binding.ts'

/** A module's own nodes by operation, in graph order: `attn.ops.Softmax[0].output`. */
export type Operations = { readonly [opType: string]: readonly OperationNode[] }

/** Fused operations, whose inner values can't be read unless the node is expanded. */
const fused = /Attention|SkipLayerNorm|MatMulNBits|QLinear|BiasGelu|FastGelu|FusedMatMul|FusedConv|Embed/

/** With `isFused`, the node is a fused node of the file, and the graph contains the nodes that it was expanded into. */
let newOperationNode: (binding: Binding, node: GraphNode, isFused?: boolean) => OperationNode

/** One node of the graph. Its values can be read and written like a module's. */
export class OperationNode {
  readonly #binding: Binding
  readonly #node: GraphNode
  readonly #isFused: boolean

  private constructor(binding: Binding, node: GraphNode, isFused: boolean) {
    this.#binding = binding
    this.#node = node
    this.#isFused = isFused
  }

  static {
    newOperationNode = (binding, node, isFused = false) => new OperationNode(binding, node, isFused)
  }

  /** The node's name in the graph: `/transformer/h.0/attn/Softmax`. */
  get name(): string {
    return this.#node.name
  }

  /** The node's ONNX operation: `Softmax`. */
  get opType(): string {
    return this.#node.opType
  }

  /** The node's first output, as a tensor. Assigning it changes what all later nodes read. @throws OutsideTraceError outside a trace */
  get output(): Tensor {
    return this.outputAt(0)
  }

  set output(value: TensorLike) {
    for (const tap of this.#taps('out', 0)) this.#binding.write(tap, value)
  }

  /**
   * The node's first input, as a tensor. Assigning it changes what this node reads, and nothing else.
   * @throws OutsideTraceError outside a trace
   */
  get input(): Tensor {
    return this.inputAt(0)
  }

  set input(value: TensorLike) {
    for (const tap of this.#taps('in', 0)) this.#binding.write(tap, value)
  }

  /** Returns the node's output of this index, from 0. @throws UnknownNameError if there is none; OutsideTraceError outside a trace */
  outputAt(index: number): Tensor {
    return this.#binding.read(this.#taps('out', index)[0])
  }

  /** Returns the node's input of this index, from 0. @throws UnknownNameError if there is none; OutsideTraceError outside a trace */
  inputAt(index: number): Tensor {
    return this.#binding.read(this.#taps('in', index)[0])
  }

  /** Describes the node: its operation, its name, and the names of its inputs and outputs. */
  toString(): string {
    const { opType, name, inputs, outputs } = this.#node
    return `${opType} ${name}\n  in  ${inputs.join(', ')}\n  out ${outputs.join(', ')}`
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString()
  }

  /** Returns the taps of an input or output. An input of an expanded node has several, one for each node that reads it. */
  #taps(direction: 'in' | 'out', index: number): Tap[] {
    const parts = this.#parts()
    const names = direction === 'in' ? this.#node.inputs : this.#node.outputs
    const name = names[index]
    if (!name)
      throw new UnknownNameError(
        direction === 'in' ? 'input' : 'output',
        `${index} of ${this.name}`,
        names.map((_, i) => String(i)),
      )
    const passing = parts.filter(part => (direction === 'in' ? part.inputs : part.outputs).includes(name))
    const { taps } = this.#binding
    // If no node of the expansion reads the input, its first tap is used.
    return passing.length > 0 ? passing.map(part => taps.nodeTap(part, direction, name)) : [taps.tensorTap(name)]
  }

  /** Returns the node, or the nodes that it was expanded into. */
  #parts(): readonly GraphNode[] {
    if (!this.#isFused) return [this.#binding.node(this.#node)]
    const { nodes } = this.#binding.taps.tree.graph
    return nodes.find(({ cluster }) => cluster?.fused.name === this.name)?.cluster?.nodes ?? []
  }
}

const inspect = Symbol.for('nodejs.util.inspect.custom')

guardMembers<OperationNode>(OperationNode.prototype, {
  isOwn: (self): self is OperationNode => self instanceof OperationNode,
  counted: ['outputAt', 'inputAt'],
  read: (node, name) =>
    new NoSuchMemberError(
      `The node ${node.name}`,
      name,
      name === 'outputs' || name === 'inputs'
        ? `write ${name.slice(0, -1)}At(0), ${name.slice(0, -1)}At(1) …`
        : name in Tensor.prototype
          ? `write .output.${name}: a node is not a tensor, but its output is`
          : 'it has output, input, outputAt(1), inputAt(1), name and opType',
      currentPosition(),
    ),
  write: (node, name) =>
    new NotAssignableError(
      `${name} of the node ${node.name}`,
      /^\d+$/.test(name)
        ? 'assign to its .output, or a part of it: .output.set(s`0`, …)'
        : 'assign to its .output or .input',
      currentPosition(),
    ),
  uncalled: name =>
    new ArgumentError(`${name} of a node is a method, but was not called.`, currentPosition(), `write ${name}(1)`),
})

/**
 * Makes the list of a module's nodes of one operation. It throws for writes and reads that an array would ignore silently: `ops.Softmax[0]
 * = 0`, `ops.Softmax.output`.
 */
function nodeList(path: string, opType: string, nodes: readonly OperationNode[]): readonly OperationNode[] {
  const name = `${path === '' ? '' : `${path}.`}ops.${opType}`
  const last = nodes.length - 1
  return new Proxy(Object.freeze(nodes), {
    get(target, key) {
      if (typeof key === 'symbol' || key in target || key === 'then' || isReadByTools(key) || key === 'toJSON')
        return Reflect.get(target, key)
      const fix = /^-?\d+$/.test(key)
        ? `it has ${last === 0 ? 'one, [0]' : `[0] to [${last}]`}; from the end, .at(${key.startsWith('-') ? key : -1})`
        : `pick a node: ${asCode(`${name}[0]`)}.${key in OperationNode.prototype ? key : 'output'}`
      throw new NoSuchMemberError(name, /^-?\d+$/.test(key) ? `[${key}]` : key, fix, currentPosition())
    },
    set(_, key) {
      throw new NotAssignableError(
        `${/^\d+$/.test(String(key)) ? `${name}[${String(key)}]` : `${String(key)} of ${name}`}`,
        `write what it gives: ${asCode(`${name}[${/^\d+$/.test(String(key)) ? String(key) : 0}]`)}.output = …`,
        currentPosition(),
      )
    },
  })
}

/** Returns the fused node whose expansion contains this node, if this one makes its first output; undefined for all others. */
export function fusedAt({ cluster, outputs }: GraphNode): GraphNode | undefined {
  return cluster && outputs.includes(cluster.fused.outputs[0]) ? cluster.fused : undefined
}

export function operationsOf(binding: Binding, module: ModuleNode): Operations {
  const { graph } = binding.taps.tree
  const groups = new Map<string, OperationNode[]>()
  const expanded = new Set<string>()
  const add = (node: GraphNode, isFused: boolean): void => {
    const group = groups.get(node.opType)
    const operation = newOperationNode(binding, node, isFused)
    if (group) group.push(operation)
    else groups.set(node.opType, [operation])
  }
  const parts: GraphNode[] = []
  for (const index of module.own) {
    const node = graph.nodes[index]
    const fused = fusedAt(node)
    if (fused) {
      add(fused, true)
      expanded.add(fused.opType)
    }
    if (node.cluster?.inside) parts.push(node)
    else add(node, false)
  }
  // Parts of operators that nearly every model has come last, so that the numbers of other nodes stay: ops.Add[0] is the file's first Add.
  for (const node of parts) add(node, false)
  const unknown = (name: string): UnknownOperationError => {
    const existing = [...groups].map(([opType, nodes]) => (nodes.length > 1 ? `${opType} ×${nodes.length}` : opType))
    return new UnknownOperationError(module.path, name, {
      there: existing,
      fused: [...groups.keys()].filter(opType => fused.test(opType) && !expanded.has(opType)),
      children: [...module.children.keys()].slice(0, 8),
    })
  }
  const target = Object.defineProperty({} as Operations, inspect, { value: () => show(groups), configurable: true })
  return new Proxy(target, {
    get(_, key) {
      if (key === inspect || key === 'toString') return () => show(groups)
      if (typeof key === 'symbol' || key === 'then') return undefined
      if (!groups.has(key) && (key === 'toJSON' || isReadByTools(key))) return valueForTools(key, target)
      const nodes = groups.get(key)
      if (!nodes) throw unknown(key)
      return nodeList(module.path, key, nodes)
    },
    set(_, key) {
      const name = `${module.path === '' ? '' : `${module.path}.`}ops.${String(key)}`
      throw new NotAssignableError(
        name,
        `write what a node gives: ${asCode(`${name}[0]`)}.output = …`,
        currentPosition(),
      )
    },
    has: (_, key) => typeof key === 'string' && groups.has(key),
    ownKeys: () => [...groups.keys()],
    getOwnPropertyDescriptor: (_, key) =>
      typeof key === 'string' && groups.has(key)
        ? { configurable: true, enumerable: true, value: nodeList(module.path, key, groups.get(key) ?? []) }
        : undefined,
  })
}

function show(groups: ReadonlyMap<string, readonly OperationNode[]>): string {
  return [...groups].flatMap(([opType, nodes]) => nodes.map((node, i) => `${opType}[${i}]  ${node.name}`)).join('\n')
}

/** Finds a node by name; in a graph without names, by operation and number. @throws UnknownNameError with the nearest names */
export function findNode(binding: Binding, name: string): OperationNode {
  const { nodes } = binding.taps.tree.graph
  const node = nodes.find(other => other.name === name)
  if (node) return newOperationNode(binding, node)
  const fusedNode = nodes.find(({ cluster }) => cluster?.fused.name === name)?.cluster?.fused
  if (fusedNode) return newOperationNode(binding, fusedNode, true)
  throw new UnknownNameError(
    'node',
    name,
    nearestNames(
      name,
      nodes.map(other => other.name),
    ),
  )
}

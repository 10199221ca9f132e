import { UnknownNameError, UnknownOperationError } from '../errors/names.ts'
import { nearestNames } from '../names/nearest.ts'
import type { ModuleNode } from '../names/tree.ts'
import type { GraphNode } from '../onnx/graph.ts'
import type { TensorLike } from '../tensor/convert.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { answerTo, isAskedByTools } from './asked-by-tools.ts'
import type { Binding } from './binding.ts'

/** A module's own nodes by operation, in graph order: `attn.ops.Softmax[0].output`. */
export type Operations = { readonly [opType: string]: readonly OperationNode[] }

/** Operations that stand for several: what happens inside can't be read. */
const fused = /Attention|SkipLayerNorm|MatMulNBits|QLinear|BiasGelu|FastGelu|FusedMatMul|FusedConv|Embed/

/** One node of the graph. Its values can be read and written like a module's. */
export class OperationNode {
  readonly #binding: Binding
  readonly #node: GraphNode

  constructor(binding: Binding, node: GraphNode) {
    this.#binding = binding
    this.#node = node
  }

  /** As in the graph: `/transformer/h.0/attn/Softmax`. */
  get name(): string {
    return this.#node.name
  }

  /** Its ONNX operation: `Softmax`. */
  get opType(): string {
    return this.#node.opType
  }

  /** The first result. */
  get output(): Tensor {
    return this.outputAt(0)
  }

  set output(value: TensorLike) {
    this.#binding.write(this.#tap('out', 0), value)
  }

  /** The first input. A write changes what this node reads, and nothing else. */
  get input(): Tensor {
    return this.inputAt(0)
  }

  set input(value: TensorLike) {
    this.#binding.write(this.#tap('in', 0), value)
  }

  /** Its result of this index, from 0. @throws UnknownNameError */
  outputAt(index: number): Tensor {
    return this.#binding.read(this.#tap('out', index))
  }

  /** Its input of this index, from 0. @throws UnknownNameError */
  inputAt(index: number): Tensor {
    return this.#binding.read(this.#tap('in', index))
  }

  /** Operation, name, and the names of inputs and outputs. */
  toString(): string {
    const { opType, name, inputs, outputs } = this.#node
    return `${opType} ${name}\n  in  ${inputs.join(', ')}\n  out ${outputs.join(', ')}`
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString()
  }

  #tap(direction: 'in' | 'out', index: number) {
    const node = this.#binding.node(this.#node)
    const names = direction === 'in' ? node.inputs : node.outputs
    const name = names[index]
    if (!name)
      throw new UnknownNameError(
        direction === 'in' ? 'input' : 'output',
        `${index} of ${this.name}`,
        names.map((_, i) => String(i)),
      )
    return this.#binding.taps.nodeTap(node, direction, name)
  }
}

export function operationsOf(binding: Binding, module: ModuleNode): Operations {
  const { graph } = binding.taps.tree
  const groups = new Map<string, OperationNode[]>()
  for (const index of module.own) {
    const node = graph.nodes[index]
    const group = groups.get(node.opType)
    if (group) group.push(new OperationNode(binding, node))
    else groups.set(node.opType, [new OperationNode(binding, node)])
  }
  const unknown = (name: string): UnknownOperationError => {
    const there = [...groups].map(([opType, nodes]) => (nodes.length > 1 ? `${opType} ×${nodes.length}` : opType))
    return new UnknownOperationError(module.path, name, {
      there,
      fused: [...groups.keys()].filter(opType => fused.test(opType)),
      children: [...module.children.keys()].slice(0, 8),
    })
  }
  const inspect = Symbol.for('nodejs.util.inspect.custom')
  const target = Object.defineProperty({} as Operations, inspect, { value: () => show(groups), configurable: true })
  return new Proxy(target, {
    get(_, key) {
      if (key === inspect || key === 'toString') return () => show(groups)
      if (typeof key === 'symbol' || key === 'then') return undefined
      if (!groups.has(key) && (key === 'toJSON' || isAskedByTools(key))) return answerTo(key, target)
      const nodes = groups.get(key)
      if (!nodes) throw unknown(key)
      return nodes
    },
    has: (_, key) => typeof key === 'string' && groups.has(key),
    ownKeys: () => [...groups.keys()],
    getOwnPropertyDescriptor: (_, key) =>
      typeof key === 'string' && groups.has(key)
        ? { configurable: true, enumerable: true, value: groups.get(key) }
        : undefined,
  })
}

function show(groups: ReadonlyMap<string, readonly OperationNode[]>): string {
  return [...groups].flatMap(([opType, nodes]) => nodes.map((node, i) => `${opType}[${i}]  ${node.name}`)).join('\n')
}

/** A node by name, or by operation and number in a graph without names. @throws UnknownNameError with the nearest names */
export function findNode(binding: Binding, name: string): OperationNode {
  const { nodes } = binding.taps.tree.graph
  const node = nodes.find(other => other.name === name)
  if (node) return new OperationNode(binding, node)
  throw new UnknownNameError(
    'node',
    name,
    nearestNames(
      name,
      nodes.map(other => other.name),
    ),
  )
}

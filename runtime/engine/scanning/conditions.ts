import { create } from '@bufbuild/protobuf'
import type { OnnxGraph } from '../../onnx/graph/graph.ts'
import type { GraphNode } from '../../onnx/graph/node.ts'
import { type Branch, branchId } from '../../onnx/rewriting/choose-branches.ts'
import { type NodeProto, NodeProtoSchema } from '../../onnx/schema/onnx_pb.ts'
import type { TensorData } from '../../tensor/dtypes/data.ts'
import { assemble, type Edge, feedName } from '../sessions/assemble.ts'
import { OWN } from '../sessions/own-names.ts'
import type { Provider, Session, SessionModel } from '../sessions/provider.ts'
import type { Weights } from '../sessions/weights.ts'
import { intAttribute } from './shape-arithmetic.ts'
import type { ValueShape } from './value-shape.ts'

/** A condition may cost no more than these: it is computed before every trace. */
const MOST_NODES = 128
const MOST_WEIGHT_BYTES = 4096

/** Operations that are the model's own work, or that give something else each time. */
const unfit =
  /^(If|Loop|Scan|SequenceMap|(Conv|MatMul|Gemm|Einsum|LSTM|GRU|RNN|Attention|.*Pool$|Random|Bernoulli|Multinomial).*)$/

/** A value that stands for a tensor's dims: known before a run, from the inputs' dims. */
interface ShapeLeaf {
  readonly name: string
  readonly of: string
  readonly start: number
  readonly end: number | undefined
}

/** The condition of an `If` node that is known before the model runs: it comes from inputs, small constants and dims alone. */
export interface Condition {
  readonly id: string
  /** For people: the node's name. */
  readonly label: string
  /** The condition's value. */
  readonly value: string
  readonly nodes: readonly GraphNode[]
  readonly inputs: readonly string[]
  readonly shapes: readonly ShapeLeaf[]
  readonly weights: readonly string[]
}

/** The conditions of a graph's own `If` nodes, where they can be known beforehand. */
export function conditionsOf(graph: OnnxGraph, weights: Weights): Condition[] {
  const found = graph.nodes.filter(node => node.opType === 'If').map(node => trace(graph, weights, node))
  return found.filter(condition => condition !== undefined)
}

/** Walks back from a condition to what it comes from; undefined if that is more than inputs, small constants and dims. */
function trace(graph: OnnxGraph, weights: Weights, node: GraphNode): Condition | undefined {
  const [value] = node.inputs
  const nodes = new Set<GraphNode>()
  const inputs = new Set<string>()
  const read = new Set<string>()
  const shapes = new Map<string, ShapeLeaf>()
  const open = [value]
  while (open.length > 0) {
    const name = open.pop()!
    if (name === '') continue
    if (weights.has(name)) {
      if (weights.externalBytes(name) > MOST_WEIGHT_BYTES) return undefined
      read.add(name)
      continue
    }
    const maker = graph.producer.get(name)?.node
    if (!maker) {
      inputs.add(name)
      continue
    }
    if (maker.opType === 'Shape' && maker.domain === '') {
      shapes.set(name, shapeLeaf(name, maker))
      continue
    }
    if (nodes.has(maker)) continue
    if (maker.domain !== '' || unfit.test(maker.opType) || nodes.size === MOST_NODES) return undefined
    nodes.add(maker)
    open.push(...maker.inputs, ...maker.captures)
  }
  return {
    id: branchId(node.proto),
    label: node.name,
    value,
    nodes: [...nodes].sort((a, b) => a.index - b.index),
    inputs: [...inputs],
    shapes: [...shapes.values()],
    weights: [...read],
  }
}

function shapeLeaf(name: string, node: GraphNode): ShapeLeaf {
  return { name, of: node.inputs[0], start: intAttribute(node, 'start') ?? 0, end: intAttribute(node, 'end') }
}

/** Decides which branch an `If` node takes, on given inputs. */
export class Decider {
  readonly condition: Condition
  readonly #graph: OnnxGraph
  readonly #weights: Weights
  readonly #provider: Provider
  #session: Promise<Session> | undefined

  constructor(condition: Condition, graph: OnnxGraph, weights: Weights, provider: Provider) {
    this.condition = condition
    this.#graph = graph
    this.#weights = weights
    this.#provider = provider
  }

  /** Undefined where dims that it needs are not known for these inputs. */
  async decide(
    inputs: ReadonlyMap<string, TensorData>,
    shapeOf: (name: string) => ValueShape | undefined,
  ): Promise<Branch | undefined> {
    const feeds: Record<string, TensorData> = {}
    for (const { name, of, start, end } of this.condition.shapes) {
      const dims = shapeOf(of)?.dims
      if (!dims || dims.includes(undefined)) return undefined
      const part = (dims as number[]).slice(start, end)
      feeds[name] = { type: 'int64', dims: [part.length], data: BigInt64Array.from(part, BigInt) }
    }
    for (const name of this.condition.inputs) {
      const data = inputs.get(name)
      if (!data) return undefined
      feeds[feedName(name, this.#typeOf(name))] = data
    }
    this.#session ??= this.#provider.create(this.#model(), {
      prepack: false,
      optimize: 'basic',
    })
    const { [RESULT]: result } = await (await this.#session).run(feeds, [RESULT])
    return result.data[0] ? 'then' : 'else'
  }

  async release(): Promise<void> {
    await (await this.#session)?.release()
    this.#session = undefined
  }

  #typeOf(name: string): Edge['type'] {
    return this.#graph.inputs.find(input => input.name === name)?.type as Edge['type']
  }

  #model(): SessionModel {
    const { nodes, inputs, shapes, value, weights } = this.condition
    // One node at least: a condition may be an input or a constant as it is.
    const result: NodeProto = create(NodeProtoSchema, { opType: 'Identity', input: [value], output: [RESULT] })
    return assemble(
      {
        nodes: [...nodes.map(node => node.proto), result],
        inputs: [
          ...inputs.map(name => ({
            name,
            type: this.#typeOf(name),
            dims: this.#graph.inputs.find(input => input.name === name)?.dims,
          })),
          ...shapes.map(({ name }) => ({ name, type: 'int64' as const, dims: [undefined] })),
        ],
        outputs: [{ name: RESULT, type: 'bool' }],
        initializers: weights,
      },
      this.#weights,
      this.#graph,
    )
  }
}

const RESULT = `${OWN}condition`

import { type StoredWeight, weightsInBodies } from '../../runtime/names/parameters/bodies.ts'
import { learnedIn } from '../../runtime/names/parameters/count.ts'
import type { ModuleNode } from '../../runtime/names/tree.ts'
import { type OnnxGraph, typeName } from '../../runtime/onnx/graph/graph.ts'

export interface Size {
  /** How many numbers were learned. A quantised weight counts the elements of the dequantised matrix. */
  readonly parameters: number
  /** The size of the weights as the file stores them. */
  readonly bytes: number
}

/** Counts the parameters of modules, and their bytes. */
export class Sizes {
  readonly #graph: OnnxGraph
  readonly #counted = new Map<ModuleNode, Weights>()

  constructor(graph: OnnxGraph) {
    this.#graph = graph
  }

  weight(initializer: string): { type: string; dims: number[] } {
    const { dataType, dims } = this.#graph.initializers.get(initializer)!
    return { type: typeName(dataType) ?? 'unknown', dims: dims.map(Number) }
  }

  /** The size of a module with all modules below it. A weight that several of them read counts once. */
  of(module: ModuleNode): Size {
    const { learned, stored } = this.#weightsOf(module)
    let parameters = 0
    for (const count of learned.values()) parameters += count
    let bytes = 0
    for (const { dataType, dims } of stored.values()) {
      const type = typeName(dataType) ?? 'unknown'
      bytes += Math.ceil((dims.reduce((product, dim) => product * Number(dim), 1) * bitsOf(type)) / 8)
    }
    return { parameters, bytes }
  }

  #weightsOf(module: ModuleNode): Weights {
    let weights = this.#counted.get(module)
    if (!weights) {
      const below = [...module.children.values()].map(child => this.#weightsOf(child))
      weights = {
        learned: new Map([...learnedIn(this.#graph, module), ...below.flatMap(({ learned }) => [...learned])]),
        stored: new Map([
          ...[...module.weights.values()].map(name => [name, this.#graph.initializers.get(name)!] as const),
          ...module.own.flatMap(index => [...weightsInBodies(this.#graph.nodes[index])]),
          ...below.flatMap(({ stored }) => [...stored]),
        ]),
      }
      this.#counted.set(module, weights)
    }
    return weights
  }
}

/** The weights of a module and all modules below it. */
interface Weights {
  /** The number of parameters of each learned weight. */
  readonly learned: ReadonlyMap<string, number>
  /** All initializers, and the weights in bodies. */
  readonly stored: ReadonlyMap<string, StoredWeight>
}

/** The size of one element in bits; 0 for text, which has no fixed size. */
function bitsOf(type: string): number {
  if (type === 'bool' || type.startsWith('float8')) return 8
  const digits = /\d+/.exec(type)
  return digits ? Number(digits[0]) : 0
}

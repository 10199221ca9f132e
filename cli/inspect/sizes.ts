import { learnedIn } from '../../runtime/names/parameters/count.ts'
import type { ModuleNode } from '../../runtime/names/tree.ts'
import { type OnnxGraph, typeName } from '../../runtime/onnx/graph/graph.ts'

export interface Size {
  /** Numbers that were learned: of a quantised weight, the elements of the matrix that acts. */
  readonly parameters: number
  /** As they are stored. */
  readonly bytes: number
}

/** How many numbers modules hold. */
export class Sizes {
  readonly #graph: OnnxGraph
  readonly #known = new Map<ModuleNode, Held>()

  constructor(graph: OnnxGraph) {
    this.#graph = graph
  }

  weight(initializer: string): { type: string; dims: number[] } {
    const { dataType, dims } = this.#graph.initializers.get(initializer)!
    return { type: typeName(dataType) ?? 'unknown', dims: dims.map(Number) }
  }

  /** Of a module and all below. A weight that several of them read counts once. */
  of(module: ModuleNode): Size {
    const { learned, stored } = this.#heldBy(module)
    let parameters = 0
    for (const count of learned.values()) parameters += count
    let bytes = 0
    for (const initializer of stored) {
      const { type, dims } = this.weight(initializer)
      bytes += Math.ceil((dims.reduce((product, dim) => product * dim, 1) * bitsOf(type)) / 8)
    }
    return { parameters, bytes }
  }

  #heldBy(module: ModuleNode): Held {
    let held = this.#known.get(module)
    if (!held) {
      const below = [...module.children.values()].map(child => this.#heldBy(child))
      held = {
        learned: new Map([...learnedIn(this.#graph, module), ...below.flatMap(({ learned }) => [...learned])]),
        stored: new Set([...module.weights.values(), ...below.flatMap(({ stored }) => [...stored])]),
      }
      this.#known.set(module, held)
    }
    return held
  }
}

interface Held {
  readonly learned: ReadonlyMap<string, number>
  readonly stored: ReadonlySet<string>
}

/** Of one element. Text has no fixed size. */
function bitsOf(type: string): number {
  if (type === 'bool' || type.startsWith('float8')) return 8
  const digits = /\d+/.exec(type)
  return digits ? Number(digits[0]) : 0
}

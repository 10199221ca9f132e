import type { ModuleNode } from '../../runtime/names/tree.ts'
import { type OnnxGraph, typeName } from '../../runtime/onnx/graph.ts'

export interface Size {
  /** Numbers. */
  readonly parameters: number
  /** As they are stored. */
  readonly bytes: number
}

/** How many numbers modules hold. */
export class Sizes {
  readonly #graph: OnnxGraph
  readonly #known = new Map<ModuleNode, ReadonlySet<string>>()

  constructor(graph: OnnxGraph) {
    this.#graph = graph
  }

  weight(initializer: string): { type: string; dims: number[] } {
    const { dataType, dims } = this.#graph.initializers.get(initializer)!
    return { type: typeName(dataType) ?? 'unknown', dims: dims.map(Number) }
  }

  /** Of a module and all below. A weight that several of them read counts once. */
  of(module: ModuleNode): Size {
    let parameters = 0
    let bytes = 0
    for (const initializer of this.#weightsOf(module)) {
      const { type, dims } = this.weight(initializer)
      const count = dims.reduce((product, dim) => product * dim, 1)
      parameters += count
      bytes += Math.ceil((count * bitsOf(type)) / 8)
    }
    return { parameters, bytes }
  }

  #weightsOf(module: ModuleNode): ReadonlySet<string> {
    let found = this.#known.get(module)
    if (!found) {
      const below = [...module.children.values()].flatMap(child => [...this.#weightsOf(child)])
      found = new Set([...module.weights.values(), ...below])
      this.#known.set(module, found)
    }
    return found
  }
}

/** Of one element. Text has no fixed size. */
function bitsOf(type: string): number {
  if (type === 'bool' || type.startsWith('float8')) return 8
  const digits = /\d+/.exec(type)
  return digits ? Number(digits[0]) : 0
}

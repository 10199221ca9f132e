import type { OnnxGraph } from '../../onnx/graph/graph.ts'

/** Finds the model's inputs that each value depends on. */
export class SourceInputs {
  readonly #graph: OnnxGraph
  #masks: Map<string, bigint> | undefined

  constructor(graph: OnnxGraph) {
    this.#graph = graph
  }

  inputsOf(name: string): string[] {
    this.#masks ??= masksOf(this.#graph)
    const mask = this.#masks.get(name) ?? 0n
    return this.#graph.inputs.filter((_, i) => (mask >> BigInt(i)) & 1n).map(input => input.name)
  }
}

function masksOf(graph: OnnxGraph): Map<string, bigint> {
  const masks = new Map(graph.inputs.map((input, i) => [input.name, 1n << BigInt(i)]))
  for (const node of graph.nodes) {
    let mask = 0n
    for (const name of [...node.inputs, ...node.captures]) mask |= masks.get(name) ?? 0n
    for (const name of node.outputs) if (name !== '') masks.set(name, mask)
  }
  return masks
}

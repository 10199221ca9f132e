import { bodiesOf } from '../onnx/message/subgraphs.ts'
import type { GraphProto, ModelProto } from '../onnx/schema/onnx_pb.ts'

/** Names for the nodes and values that edits add: unique in the file, with the number of the edit. */
export class AddedNames {
  readonly #used = new Set<string>()
  readonly #first: number

  constructor(model: ModelProto) {
    if (model.graph) this.#take(model.graph)
    let first = 0
    // A model that was saved with edits before has such names already.
    for (const name of this.#used)
      for (const [, number] of name.matchAll(/onnsight\.edit_(\d+)\./g)) first = Math.max(first, Number(number) + 1)
    this.#first = first
  }

  /** The names in use, to which those of other new nodes and values are added. */
  get taken(): Set<string> {
    return this.#used
  }

  /** `onnsight.edit_0.Add`. It contains no slash, because naming schemes take what is before a slash for a module. */
  ofEdit(edit: number, what: string): string {
    return `onnsight.edit_${this.#first + edit}.${what.replaceAll('/', '.')}`
  }

  /** The name, with a number if it is used already. */
  unique(name: string): string {
    let unique = name
    for (let i = 1; this.#used.has(unique); i++) unique = `${name}_${i}`
    this.#used.add(unique)
    return unique
  }

  #take(graph: GraphProto): void {
    for (const { name } of [...graph.input, ...graph.output, ...graph.initializer]) this.#used.add(name)
    for (const { values } of graph.sparseInitializer) if (values) this.#used.add(values.name)
    for (const node of graph.node) {
      this.#used.add(node.name)
      for (const name of node.output) this.#used.add(name)
      for (const body of bodiesOf(node)) this.#take(body)
    }
  }
}

import { bodiesOf } from '../onnx/message/subgraphs.ts'
import type { GraphProto, ModelProto } from '../onnx/schema/onnx_pb.ts'

/** Names for what edits add: unique in the file, and telling which edit it was. */
export class AddedNames {
  readonly #taken = new Set<string>()
  readonly #first: number

  constructor(model: ModelProto) {
    if (model.graph) this.#take(model.graph)
    let first = 0
    // A model that was edited before has edits of its own.
    for (const name of this.#taken)
      for (const [, number] of name.matchAll(/onnsight\.edit_(\d+)\./g)) first = Math.max(first, Number(number) + 1)
    this.#first = first
  }

  /** `onnsight.edit_0.Add`: no slash in it, which would make a module of it. */
  ofEdit(edit: number, what: string): string {
    return `onnsight.edit_${this.#first + edit}.${what.replaceAll('/', '.')}`
  }

  /** The name, or one like it that is free. */
  unique(name: string): string {
    let unique = name
    for (let i = 1; this.#taken.has(unique); i++) unique = `${name}_${i}`
    this.#taken.add(unique)
    return unique
  }

  #take(graph: GraphProto): void {
    for (const { name } of [...graph.input, ...graph.output, ...graph.initializer]) this.#taken.add(name)
    for (const { values } of graph.sparseInitializer) if (values) this.#taken.add(values.name)
    for (const node of graph.node) {
      this.#taken.add(node.name)
      for (const name of node.output) this.#taken.add(name)
      for (const body of bodiesOf(node)) this.#take(body)
    }
  }
}

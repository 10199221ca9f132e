import type { AttributeProto, NodeProto } from '../schema/onnx_pb.ts'

/** Reads a node's attributes by name. `otherwise` is the default in the operator's definition, for an attribute that is left out. */
export class Attributes {
  readonly #byName: ReadonlyMap<string, AttributeProto>

  constructor(node: NodeProto) {
    this.#byName = new Map(node.attribute.map(attribute => [attribute.name, attribute]))
  }

  has(name: string): boolean {
    return this.#byName.has(name)
  }

  int(name: string, otherwise: number): number {
    const attribute = this.#byName.get(name)
    return attribute ? Number(attribute.i) : otherwise
  }

  ints(name: string): readonly number[] | undefined {
    return this.#byName.get(name)?.ints.map(Number)
  }

  float(name: string, otherwise: number): number {
    return this.#byName.get(name)?.f ?? otherwise
  }

  floats(name: string): readonly number[] | undefined {
    return this.#byName.get(name)?.floats
  }

  texts(name: string): readonly string[] | undefined {
    return this.#byName.get(name)?.strings.map(each => new TextDecoder().decode(each))
  }

  text(name: string): string {
    return new TextDecoder().decode(this.#byName.get(name)?.s)
  }
}

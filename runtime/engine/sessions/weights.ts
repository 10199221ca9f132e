import { externalEntry } from '../../onnx/message/external-data.ts'
import type { TensorProto } from '../../onnx/schema/onnx_pb.ts'
import type { WeightPart } from './provider.ts'

/** Initializers in the form that a session's graph needs. */
export interface PreparedWeights {
  readonly tensors: readonly TensorProto[]
  /** The folder that their locations are relative to; undefined if nothing is external. */
  readonly folder: string | undefined
  /** In a browser, the contents of their locations. */
  readonly parts?: readonly WeightPart[]
}

/** Prepares initializers for sessions: mapped from files, or copied. */
export type WeightPreparation = (tensors: ReadonlyMap<string, TensorProto>) => {
  prepare(names: Iterable<string>): PreparedWeights
  /** Whether sessions share an initializer's packed form, so that packing it takes no memory. @default none is shared */
  isPacked?(name: string): boolean
}

/** A model's initializers: small ones are in the message, large ones are external. */
export class Weights {
  readonly #tensors: ReadonlyMap<string, TensorProto>
  readonly #prepared: ReturnType<WeightPreparation>

  constructor(tensors: ReadonlyMap<string, TensorProto>, preparation: WeightPreparation) {
    this.#tensors = tensors
    this.#prepared = preparation(tensors)
  }

  /** Prepares the initializers of these names for a session. */
  prepare(names: Iterable<string>): PreparedWeights {
    return this.#prepared.prepare(names)
  }

  has(name: string): boolean {
    return this.#tensors.has(name)
  }

  get(name: string): TensorProto | undefined {
    return this.#tensors.get(name)
  }

  /** Bytes of an initializer that are external; 0 if it is in the message. */
  externalBytes(name: string): number {
    const tensor = this.#tensors.get(name)
    return tensor ? Number(externalEntry(tensor, 'length') ?? 0) : 0
  }

  /** Bytes of a session's memory for the packed form of an initializer: 0 if sessions share it. */
  packedBytes(name: string): number {
    return this.#prepared.isPacked?.(name) ? 0 : this.externalBytes(name)
  }
}

import { externalEntry } from '../../onnx/message/external-data.ts'
import type { TensorProto } from '../../onnx/schema/onnx_pb.ts'
import type { WeightPart } from './provider.ts'

/** Initializers as they go into a session's graph. */
export interface PreparedWeights {
  readonly tensors: readonly TensorProto[]
  /** The folder that their locations are relative to; undefined if nothing is external. */
  readonly folder: string | undefined
  /** What their locations stand for, where there are no folders. */
  readonly parts?: readonly WeightPart[]
}

/** Says how sessions take initializers: mapped from files, or copied. */
export type WeightPlaces = (tensors: ReadonlyMap<string, TensorProto>) => (names: Iterable<string>) => PreparedWeights

/** A model's initializers: small ones lie in the message, large ones elsewhere. */
export class Weights {
  readonly #tensors: ReadonlyMap<string, TensorProto>
  /** The given ones, as a session takes them. */
  readonly prepare: (names: Iterable<string>) => PreparedWeights

  constructor(tensors: ReadonlyMap<string, TensorProto>, places: WeightPlaces) {
    this.#tensors = tensors
    this.prepare = places(tensors)
  }

  has(name: string): boolean {
    return this.#tensors.has(name)
  }

  get(name: string): TensorProto | undefined {
    return this.#tensors.get(name)
  }

  /** Bytes that lie in files, for one initializer. */
  externalBytes(name: string): number {
    const tensor = this.#tensors.get(name)
    return tensor ? Number(externalEntry(tensor, 'length') ?? 0) : 0
  }
}

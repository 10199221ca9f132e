import type { Tensor } from '../tensor/tensor.ts'
import type { TensorLike } from '../tensor/values/convert.ts'
import type { ModelMembers } from './model.ts'
import type { LayerMethods } from './modules/list-methods.ts'
import type { ModuleBase } from './modules/module.ts'
import type { OperationNode } from './modules/operations.ts'

/* The types that files written by `onnsight types` use. */

/** A module whose children, parameters and operations are known when it is compiled. */
export type TypedModule<Children, Weights extends string = never, Ops extends string = never> = ((
  input: TensorLike,
) => Tensor) &
  ModuleBase & {
    /** The module's parameters, by name. */
    readonly weights: { [name in Weights]: Tensor }
    /** The module's own nodes, by operation. */
    readonly ops: { readonly [opType in Ops]: readonly OperationNode[] }
  } & Children

/** Layers: `h[0]`, `h[i]`, `h.at(-1)`, `for (const layer of h)`. */
export interface TypedLayers<Layer> extends LayerMethods<Layer> {
  readonly [index: number]: Layer
  /** The layer of this index; negative ones count from the end. */
  at(index: number): Layer
  /** Some of the layers, as an array. */
  slice(start?: number, end?: number): Layer[]
  /** The layers, in order. */
  [Symbol.iterator](): Iterator<Layer>
}

/** A model whose modules are known when it is compiled: `load<Chars>('chars.onnx')`. */
export type TypedModel<Root> = ModelMembers & Root

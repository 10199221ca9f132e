import type { TensorLike } from '../tensor/convert.ts'
import type { Tensor } from '../tensor/tensor.ts'
import type { ModelMembers } from './model.ts'
import type { ModuleBase } from './module.ts'
import type { OperationNode } from './operations.ts'

/* What the files that `onnsight types` writes are made of. */

/** A module whose children, parameters and operations are known when it is compiled. */
export type TypedModule<Children, Weights extends string = never, Ops extends string = never> = ((
  input: TensorLike,
) => Tensor) &
  ModuleBase & {
    readonly weights: { [name in Weights]: Tensor }
    readonly ops: { readonly [opType in Ops]: readonly OperationNode[] }
  } & Children

/** Layers: `h[0]`, `h[i]`, `h.at(-1)`, `for (const layer of h)`. */
export interface TypedLayers<Layer> {
  readonly [index: number]: Layer
  at(index: number): Layer
  slice(start?: number, end?: number): Layer[]
  [Symbol.iterator](): Iterator<Layer>
}

/** A model whose modules are known when it is compiled: `load<Chars>('chars.onnx')`. */
export type TypedModel<Root> = ModelMembers & Root

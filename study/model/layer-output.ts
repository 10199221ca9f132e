import type { Model } from '../../runtime/model/model.ts'
import type { Tensor } from '../../runtime/tensor/tensor.ts'
import { StudiedModel } from './studied-model.ts'

/** An edited model with another output of a layer. It shares the model's weights. @param study the study that errors name */
export function withLayerOutput<M extends Model>(
  study: string,
  model: M,
  layer: number,
  change: (state: Tensor) => Tensor,
): M {
  const studied = new StudiedModel(study, model, undefined)
  return model.edit(() => {
    const module = studied.module(studied.lens().layers[layer].path)
    module.output = change(module.output)
  }) as M
}

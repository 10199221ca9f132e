import { ArgumentError } from '../runtime/errors/tensor.ts'
import type { Inputs } from '../runtime/model/loaded/inputs.ts'
import type { Model } from '../runtime/model/model.ts'
import { knownOptions } from '../runtime/tensor/arguments/known-options.ts'
import type { Tensor } from '../runtime/tensor/tensor.ts'
import { TRACE_OPTIONS, type TraceOptions } from '../runtime/tracing/tracer.ts'
import { firstComponent } from './math/first-component.ts'
import { withLayerOutput } from './model/layer-output.ts'
import { promptStates, type ReadAt } from './model/prompt-states.ts'
import { StudiedModel } from './model/studied-model.ts'

/** Options of `steeringVector()`. */
export interface SteeringOptions extends TraceOptions {
  /** Prompts of the kind to steer towards. */
  readonly positive: Inputs
  /** Prompts of the kind to steer away from. */
  readonly negative: Inputs
  /** The layer whose output is read, and steered, from 0. */
  readonly layer: number
  /** Where a prompt's state is read: at its last token, or as the mean over all its tokens. @default 'last' */
  readonly position?: ReadAt
  /**
   * `difference`: the mean of the positive prompts minus that of the negative ones. `pca`: the first principal component of the differences
   * between pairs: the first positive and the first negative prompt, and so on. @default 'difference'
   */
  readonly method?: 'difference' | 'pca'
}

/**
 * Finds a direction in the residual stream that separates two lists of prompts. Adding it to the stream steers the model:
 * `vector.apply(model, 4)` gives an edited model, which generates, can be studied, and can be saved as a plain ONNX file.
 *
 * Sources: Turner et al. 2023, "Steering Language Models With Activation Engineering" (arXiv:2308.10248); Rimsky et al. 2023, "Steering Llama
 * 2 via Contrastive Activation Addition" (arXiv:2312.06681); Zou et al. 2023, "Representation Engineering" (arXiv:2310.01405) for the
 * principal component of pairs.
 *
 * @throws StudyError for a layer that the model does not have, or lists that are no pairs; MissingPackageError if `pca` lacks ml-matrix;
 * InputError, ArgumentError
 * @example
 * const vector = await steeringVector(model, { positive: ['I love'], negative: ['I hate'], layer: 6 })
 * const { text } = await vector.apply(model, 4).generate('I think that', { maxNewTokens: 20 })
 */
export async function steeringVector(model: Model, options: SteeringOptions): Promise<SteeringVector> {
  const {
    positive,
    negative,
    layer,
    position = 'last',
    method = 'difference',
    ...rest
  } = knownOptions('steeringVector()', options, [
    'positive',
    'negative',
    'layer',
    'position',
    'method',
    ...TRACE_OPTIONS,
  ])
  for (const [name, value, allowed] of [
    ['position', position, ['last', 'mean']],
    ['method', method, ['difference', 'pca']],
  ] as const)
    if (!(allowed as readonly string[]).includes(value))
      throw new ArgumentError(
        `steeringVector: ${name} is ${JSON.stringify(value)}.`,
        undefined,
        `use ${allowed.join(' or ')}`,
      )
  const studied = new StudiedModel('steeringVector', model, undefined)
  const lists = await Promise.all([studied.prompts(positive), studied.prompts(negative)])
  studied.layersOf([layer], (await studied.sizes(lists[0])).layers)
  const [towards, away] = await Promise.all(
    lists.map(async prompts => (await promptStates(studied, prompts, [layer], position, rest))[0]),
  )
  if (method === 'difference') return new SteeringVector(layer, await towards.mean(0).sub(away.mean(0)).value())
  if (lists[0].ids.length !== lists[1].ids.length)
    throw studied.error(
      `there are ${lists[0].ids.length} positive prompts and ${lists[1].ids.length} negative ones.`,
      'the principal component needs pairs: give as many of each, or use the difference of means',
    )
  return new SteeringVector(layer, await firstComponent(await towards.sub(away).value()))
}

/** A direction in the residual stream after a layer. */
export class SteeringVector {
  /** The layer whose output is steered. */
  readonly layer: number
  /** The direction: float32 `[width]`. It is as long as the difference from which it was computed. */
  readonly direction: Tensor

  /** @param layer the layer whose output is steered, from 0 @param direction `[width]` */
  constructor(layer: number, direction: Tensor) {
    this.layer = layer
    this.direction = direction
  }

  /** An edited model that adds the direction, times `strength`, at every token. It shares the model's weights. */
  apply<M extends Model>(model: M, strength: number): M {
    return withLayerOutput('apply', model, this.layer, state => state.add(this.direction.mul(strength).to(state.type)))
  }

  toString(): string {
    return `SteeringVector(after layer ${this.layer}, ${this.direction.size} wide)`
  }
}

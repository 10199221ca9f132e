import { ArgumentError } from '../../runtime/errors/tensor.ts'
import type { Tensor } from '../../runtime/tensor/tensor.ts'
import type { Normalisation } from './autoencoder-files.ts'

/** An input after it was normalised, and functions that undo the normalisation. */
export interface Normalised {
  readonly input: Tensor
  /** Converts a reconstruction of the normalised input to one of the input itself. */
  restore(value: Tensor): Tensor
  /** Converts a difference of normalised inputs to a difference of the inputs themselves. */
  scaled(value: Tensor): Tensor
}

/** The number that SAELens' layer_norm adds to the deviation. */
const EPSILON = 1e-5

/** Normalises each input on its own, as SAELens does. */
export function normalised(how: Normalisation, state: Tensor): Normalised {
  const width = state.dims.at(-1)!
  if (how === 'constant_norm_rescale') {
    const length = state.norm(2, [-1], { keepdim: true }).div(Math.sqrt(width))
    const scaled = (value: Tensor): Tensor => value.mul(length)
    return { input: state.div(length), restore: scaled, scaled }
  }
  if (how === 'layer_norm') {
    const mean = state.mean([-1], { keepdim: true })
    const centred = state.sub(mean)
    const deviation = centred
      .mul(centred)
      .sum([-1], { keepdim: true })
      .div(width - 1)
      .sqrt()
    const scaled = (value: Tensor): Tensor => value.mul(deviation)
    return { input: centred.div(deviation.add(EPSILON)), restore: value => scaled(value).add(mean), scaled }
  }
  return { input: state, restore: value => value, scaled: value => value }
}

/**
 * If all inputs were multiplied by one number in training, returns weights for the model's own inputs; otherwise the same weights.
 * @throws ArgumentError if that number is missing
 */
export async function folded(
  how: Normalisation,
  weights: Readonly<Record<string, Tensor>>,
  factor: number | undefined,
): Promise<Readonly<Record<string, Tensor>>> {
  if (how !== 'expected_average_only_in') {
    if (factor === undefined) return weights
    throw new ArgumentError(
      `SparseAutoencoder: normScalingFactor is for normalize_activations "expected_average_only_in", and this is "${how}".`,
      undefined,
      'leave it out',
    )
  }
  if (factor === undefined || !(factor > 0 && Number.isFinite(factor)))
    throw new ArgumentError(
      factor === undefined
        ? 'SparseAutoencoder: inputs were multiplied by a number in training, which neither the configuration nor the weights have.'
        : `SparseAutoencoder: normScalingFactor is ${factor}.`,
      undefined,
      "give it, as SAELens' pretrained_saes.yaml has it (norm_scaling_factor), or the root of d_in divided by the mean length of the inputs: { normScalingFactor: 1.05 }",
    )
  const { W_enc, W_dec, b_dec } = weights
  return {
    ...weights,
    W_enc: await W_enc.mul(factor).value(),
    W_dec: await W_dec.div(factor).value(),
    b_dec: await b_dec.div(factor).value(),
  }
}

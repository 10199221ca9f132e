import { GradientArgumentError } from '../../errors/gradient.ts'
import { showDims } from '../../errors/tensor.ts'
import { expect } from '../arguments/check-arguments.ts'
import { zerosLike } from '../creation/creation.ts'
import { currentPosition } from '../current-position.ts'
import { stateOf, Tensor } from '../tensor.ts'
import { type TensorLike, toTensor } from '../values/convert.ts'
import { areDifferent, detach, grad, oneCall, type Tensors, tensorsOf } from './gradient.ts'

/** Directions in the form of the tensors that they belong to: lists and objects, nested to any depth. */
export type Tangents = TensorLike | readonly Tangents[] | { readonly [name: string]: Tangents }

/**
 * The Jacobian-vector product: how fast `tensor` changes when the tensors of `at` move along `tangents`, which have their dims. It has the
 * dims of `tensor`, and is computed from two gradients, as the product with a vector from behind is linear in that vector (Townsend 2017).
 * @throws GradientArgumentError if a tangent is missing or has other dims; the errors of `grad`
 */
export function jvp(tensor: Tensor, at: Tensors, tangents: Tangents): Tensor
export function jvp(tensor: Tensor, at: Tensors, tangents: Tangents, ...surplus: unknown[]): Tensor {
  expect('jvp', tensor, at, tangents, ...surplus)
  return oneCall(() => {
    const places = tensorsOf(at)
    if (places.length === 0) {
      throw new GradientArgumentError(
        'jvp() was given no tensor to move along.',
        currentPosition(),
        'name a place or a value: jvp(logits, model.….output, direction)',
      )
    }
    const directions = directionsOf(at, tangents)
    const behind = zerosLike(detach(tensor))
    const products = grad(tensor, places, { gradient: behind }).map((each, i) => each.mul(directions[i]).sum())
    return grad(
      products.reduce((sum, each) => sum.add(each)),
      behind,
    )
  })
}

/** The tangents in the order of the places. */
function directionsOf(at: Tensors, tangents: unknown): Tensor[] {
  if (!(at instanceof Tensor)) {
    const within = typeof tangents === 'object' && tangents !== null ? (tangents as Record<string, unknown>) : {}
    return Object.entries(at).flatMap(([name, each]) => directionsOf(each as Tensors, within[name]))
  }
  const { type, dims } = stateOf(at).value
  if (tangents === undefined) {
    throw new GradientArgumentError(
      `jvp() has no tangent for ${stateOf(at).label}.`,
      currentPosition(),
      'give the tangents the same form as the tensors',
    )
  }
  const tangent = toTensor(tangents as TensorLike, tangents instanceof Tensor ? {} : { type }).to(type)
  if (areDifferent(stateOf(tangent).value.dims, dims)) {
    throw new GradientArgumentError(
      `The tangent of ${stateOf(at).label} has dims ${showDims(tangent.dims)}, and the tensor ${showDims(dims ?? [])}.`,
      currentPosition(),
      'give one with the dims of the tensor',
    )
  }
  return [tangent]
}

import type { Tensor } from '../../runtime/tensor/tensor.ts'
import { type LabelledAxis, numbered } from '../results/axes.ts'
import type { Subject } from './subject.ts'

/** One number for each position of a place, and what its axes are. */
export interface Positions {
  readonly values: Tensor
  readonly axes: readonly LabelledAxis[]
  /** The image that the place is, with one shade for each pixel; undefined for other places. */
  readonly image?: readonly (readonly number[])[]
}

/** The most channels of an image. */
const MOST_CHANNELS = 4

/** An image has more rows or columns. */
const LEAST_PIXELS = 16

/**
 * Takes the attributions of elements together, so that each token, pixel or frame has one number: over the last axis of a place with tokens,
 * over the channels of an image.
 * @param state the value of the place
 * @param how their sum, or their length as a vector
 */
export async function byPosition(
  subject: Subject,
  elements: Tensor,
  state: Tensor,
  how: 'sum' | 'norm',
): Promise<Positions> {
  const dims = elements.dims as number[]
  const { ids } = subject
  const isOfTokens = ids !== undefined && dims[0] === ids.length
  const over = foldedAxes(dims, isOfTokens)
  const folded = over.length === 0 ? elements : how === 'sum' ? elements.sum(over) : elements.norm(2, over)
  const values = await folded.value()
  const names = values.rank === 1 ? [isOfTokens ? 'token' : 'position'] : ['row', 'column']
  const axes = (values.dims as number[]).map((length, i) => numbered(names[i] ?? `axis ${i}`, length))
  if (isOfTokens) axes[0] = { name: 'token', labels: ids.map(id => subject.studied.token(id)) }
  const channels = over.reduce((count, axis) => count * dims[axis], 1)
  if (isOfTokens || values.rank !== 2 || channels > MOST_CHANNELS || values.dims.every(dim => dim! <= LEAST_PIXELS))
    return { values, axes }
  const shades = await (over.length === 0 ? state : state.mean(over)).value()
  return { values, axes, image: shades.tolist() as number[][] }
}

/** The axes that are taken together. */
function foldedAxes(dims: readonly number[], isOfTokens: boolean): number[] {
  const after = dims.map((_, axis) => axis).slice(1)
  if (isOfTokens) return after
  if (dims.length <= 2) return []
  if (dims.length === 3 && dims[0] > MOST_CHANNELS && dims[2] <= MOST_CHANNELS) return [2]
  // Beside the two last axes, all others are channels.
  return dims.slice(0, -2).map((_, axis) => axis)
}

import type { Tensor } from '../../runtime/index.ts'
import { arange, where } from '../../runtime/index.ts'
import type { SentPicture } from '../protocol/api.ts'

/** The longest side that is sent, in pixels. Of larger pictures, rows and columns are left out evenly. */
const MAX_SIDE = 256
/** The shortest side of a picture. Three smaller maps are rarely one. */
const MIN_SIDE = 16

export interface PictureHandles {
  readonly width: number
  readonly height: number
  readonly bytes: Tensor
}

/** The picture of a value that has three maps of colours: [3, row, column], [batch, 3, row, column] or [batch, row, column, 3]. */
export function pictureOf(tensor: Tensor, batch: number): PictureHandles | undefined {
  const dims = tensor.dims as readonly number[]
  const one =
    dims.length === 4 ? tensor.select(0, Math.min(batch, dims[0] - 1)) : dims.length === 3 ? tensor : undefined
  if (!one) return undefined
  const size = one.dims as readonly number[]
  const areFirst = size[0] === 3
  if (!areFirst && !(dims.length === 4 && size[2] === 3)) return undefined
  const colours = areFirst ? one.permute(1, 2, 0) : one
  const [rows, columns] = colours.dims as number[]
  if (Math.min(rows, columns) < MIN_SIDE) return undefined
  const step = Math.ceil(Math.max(rows, columns) / MAX_SIDE)
  const floats = colours
    .to('float32')
    .indexSelect(0, arange(0, rows, step))
    .indexSelect(1, arange(0, columns, step))
  const isNumber = floats.isfinite()
  const [least, most] = [
    where(isNumber, floats, Number.POSITIVE_INFINITY).amin(),
    where(isNumber, floats, Number.NEGATIVE_INFINITY).amax(),
  ]
  const range = most.sub(least)
  const shares = where(isNumber, floats, least)
    .sub(least)
    .div(where(range.gt(0), range, 1))
  const bytes = shares.mul(255).round().clamp(0, 255).to('uint8')
  return { width: Math.ceil(columns / step), height: Math.ceil(rows / step), bytes }
}

export const sentPicture = ({ width, height, bytes }: PictureHandles): SentPicture => ({
  width,
  height,
  base64: Buffer.from(bytes.data as Uint8Array).toString('base64'),
})

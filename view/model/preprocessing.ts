import type { Preprocessing } from '../protocol/api.ts'
import { jsonBeside } from './beside.ts'

/** Reads how pictures and sound become numbers from the preprocessor_config.json beside a model, as transformers writes it. */
export function preprocessingOf(path: string): Preprocessing | undefined {
  const config = jsonBeside(path, 'preprocessor_config.json')
  if (!config) return undefined
  const { size, crop_size, do_center_crop, do_rescale, rescale_factor, do_normalize } = config
  const { image_mean, image_std, sampling_rate } = config
  const shown = sizeOf(do_center_crop === true ? crop_size : undefined) ?? sizeOf(size)
  return {
    ...shown,
    rescale: do_rescale === false ? 1 : isNumber(rescale_factor) ? rescale_factor : 1 / 255,
    ...(do_normalize !== false && areNumbers(image_mean) && areNumbers(image_std)
      ? { mean: image_mean, std: image_std }
      : {}),
    ...(isNumber(sampling_rate) ? { samplingRate: sampling_rate } : {}),
  }
}

/** A size is one number, or an object with the height and the width or with the shortest edge. */
function sizeOf(size: unknown): { readonly height: number; readonly width: number } | undefined {
  if (isNumber(size)) return { height: size, width: size }
  if (typeof size !== 'object' || size === null) return undefined
  const { height, width, shortest_edge: edge } = size as Readonly<Record<string, unknown>>
  if (isNumber(height) && isNumber(width)) return { height, width }
  return isNumber(edge) ? { height: edge, width: edge } : undefined
}

const isNumber = (value: unknown): value is number => typeof value === 'number' && value > 0

const areNumbers = (value: unknown): value is number[] =>
  Array.isArray(value) && value.length > 0 && value.every(one => typeof one === 'number')

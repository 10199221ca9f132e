import { readFileSync } from 'node:fs'
import { dirname, extname, join } from 'node:path'
import type Sharp from 'sharp'
import { HarvestError } from '../../runtime/errors/harvest.ts'
import { MissingPackageError } from '../../runtime/errors/install.ts'
import type { TensorData } from '../../runtime/tensor/dtypes/data.ts'
import { stateOf, Tensor } from '../../runtime/tensor/tensor.ts'
import { filesOf } from './files.ts'
import type { Item } from './item.ts'

/** The model's input that takes images. */
export interface ImageInput {
  readonly name: string
  readonly dims?: readonly (number | string | undefined)[] | undefined
}

/** How images become numbers. */
interface Preprocessing {
  /** The size to which an image is scaled: its sides, or its shortest side alone, which keeps its proportions. */
  readonly resize: { readonly height: number; readonly width: number } | { readonly shortest: number } | undefined
  /** The middle part that is kept. */
  readonly crop: { readonly height: number; readonly width: number } | undefined
  readonly kernel: 'nearest' | 'linear' | 'cubic' | 'lanczos3'
  readonly factor: number
  readonly mean: readonly number[] | undefined
  readonly std: readonly number[] | undefined
}

/** Files that sharp decodes. */
const IMAGE = /^\.(jpe?g|png|webp|gif|tiff?|avif)$/i

/** The images of files and folders, in the order of their names; other files of a folder are left out. @throws HarvestError, MissingPackageError */
export async function* imageFiles(paths: readonly string[], model: string, input: ImageInput): AsyncGenerator<Item> {
  const reader = await imageReader(model, input)
  const files = (await filesOf(paths)).filter(({ path }) => IMAGE.test(extname(path)) || paths.includes(path))
  if (files.length === 0)
    throw new HarvestError(`There are no images in ${paths.join(', ')}.`, 'name .jpg, .png, .webp or .tiff files')
  for (const [i, { path }] of files.entries()) yield { ...(await reader(path, path)), read: (i + 1) / files.length }
}

/** Reads an image, from its file or from the bytes of one, as the model's input. @throws HarvestError, MissingPackageError */
export async function imageReader(
  model: string,
  { name, dims }: ImageInput,
): Promise<(image: string | Uint8Array, where: string) => Promise<Item>> {
  const sharp = await sharpLibrary()
  if (dims?.length !== 4 || (dims[1] !== 1 && dims[1] !== 3 && typeof dims[1] === 'number'))
    throw new HarvestError(
      `The model’s input ${name} takes no images: its dims are [${dims?.map(dim => dim ?? '?').join(', ') ?? '?'}], not [batch, colours, rows, columns].`,
      'prepare its inputs yourself, and give them as tensors',
    )
  const isGrey = dims[1] === 1
  const how = preprocessingOf(model, dims)
  return async (image, where) => {
    try {
      return { inputs: { [name]: await numbersOf(sharp, image, how, isGrey) } }
    } catch (cause) {
      throw new HarvestError(
        `${where} can’t be read as an image: ${(cause as Error).message}`,
        'remove it, or write it again as .png or .jpg',
        cause,
      )
    }
  }
}

async function sharpLibrary(): Promise<typeof Sharp> {
  try {
    return (await import('sharp')).default
  } catch (error) {
    throw new MissingPackageError('sharp', error, 'to read images')
  }
}

async function numbersOf(
  sharp: typeof Sharp,
  image: string | Uint8Array,
  { resize, crop, kernel, factor, mean, std }: Preprocessing,
  isGrey: boolean,
): Promise<TensorData> {
  // Cameras note how they were held; transformers turns images as they say.
  const turned = await sharp(image).rotate().toBuffer({ resolveWithObject: true })
  let { width, height } = turned.info
  let picture = sharp(turned.data)
  if (resize) {
    const scale = 'shortest' in resize ? resize.shortest / Math.min(width, height) : 1
    ;[width, height] =
      'shortest' in resize ? [Math.floor(width * scale), Math.floor(height * scale)] : [resize.width, resize.height]
    picture = picture.resize({ width, height, fit: 'fill', kernel })
  }
  if (crop && (crop.width > width || crop.height > height))
    throw new Error(`it has ${width} × ${height} pixels, and ${crop.width} × ${crop.height} are cut from its middle`)
  if (crop) {
    const [left, top] = [(width - crop.width) >> 1, (height - crop.height) >> 1]
    picture = picture.extract({ left, top, width: crop.width, height: crop.height })
  }
  const { data, info } = await picture
    .flatten()
    .toColourspace(isGrey ? 'b-w' : 'srgb')
    .raw()
    .toBuffer({ resolveWithObject: true })
  const pixels = Tensor.of({
    type: 'uint8',
    dims: [info.height, info.width, info.channels],
    data: new Uint8Array(data.buffer, data.byteOffset, data.length),
  })
  const colours = (values: readonly number[]): Tensor =>
    Tensor.of({ type: 'float32', dims: [values.length, 1, 1], data: Float32Array.from(values) })
  let numbers = pixels.permute(2, 0, 1).to('float32').mul(factor)
  if (mean) numbers = numbers.sub(colours(mean))
  if (std) numbers = numbers.div(colours(std))
  return stateOf(await numbers.value()).data()
}

/** What the preprocessor_config.json beside a model says, or in the folder above; else images fill the input's size, from 0 to 1. */
function preprocessingOf(model: string, dims: readonly (number | string | undefined)[]): Preprocessing {
  const config = configBeside(model)
  const [, , height, width] = dims
  const fixed = typeof height === 'number' && typeof width === 'number' ? { height, width } : undefined
  if (!config) {
    if (!fixed)
      throw new HarvestError(
        `Nothing says which size the model’s images have: there is no preprocessor_config.json beside ${model}, and its dims vary.`,
        'put the file that was published with the model beside it',
      )
    return { resize: fixed, crop: undefined, kernel: 'linear', factor: 1 / 255, mean: undefined, std: undefined }
  }
  const { do_resize, do_center_crop, do_rescale, rescale_factor, do_normalize, resample } = config
  const isNormal = do_normalize !== false
  return {
    resize: do_resize === false ? undefined : (sizeOf(config.size) ?? fixed),
    crop: do_center_crop === true ? (cropOf(config.crop_size) ?? fixed) : undefined,
    kernel: (['nearest', 'lanczos3', 'linear', 'cubic'] as const)[Number(resample ?? 2)] ?? 'linear',
    factor: do_rescale === false ? 1 : isNumber(rescale_factor) ? rescale_factor : 1 / 255,
    mean: isNormal && areNumbers(config.image_mean) ? config.image_mean : undefined,
    std: isNormal && areNumbers(config.image_std) ? config.image_std : undefined,
  }
}

function configBeside(model: string): Readonly<Record<string, unknown>> | undefined {
  for (const folder of [dirname(model), join(dirname(model), '..')]) {
    let text: string
    try {
      text = readFileSync(join(folder, 'preprocessor_config.json'), 'utf8')
    } catch {
      continue
    }
    return JSON.parse(text) as Record<string, unknown>
  }
  return undefined
}

function sizeOf(size: unknown): Preprocessing['resize'] {
  const { shortest_edge: shortest } = (size ?? {}) as Readonly<Record<string, unknown>>
  return isNumber(shortest) ? { shortest } : cropOf(size)
}

function cropOf(size: unknown): Preprocessing['crop'] {
  if (isNumber(size)) return { height: size, width: size }
  const { height, width } = (size ?? {}) as Readonly<Record<string, unknown>>
  return isNumber(height) && isNumber(width) ? { height, width } : undefined
}

const isNumber = (value: unknown): value is number => typeof value === 'number' && value > 0

const areNumbers = (value: unknown): value is number[] =>
  Array.isArray(value) && value.length > 0 && value.every(one => typeof one === 'number')

import type { InputDescription, Preprocessing, SentWaveform } from '../../protocol/api.ts'

/** How many pixels a side has where neither the model nor its preprocessing says it. */
const SIDE = 224

/** Where an input of pictures has its colours: 'first' in [batch, colour, row, column], 'last' in [batch, row, column, colour]. */
export function coloursOf({ type, dims = [] }: InputDescription): 'first' | 'last' | undefined {
  if (dims.length !== 4 || !/^(float32|uint8)$/.test(type)) return undefined
  const areColours = (dim: unknown): boolean => dim === 1 || dim === 3
  return areColours(dims[1]) ? 'first' : areColours(dims[3]) ? 'last' : undefined
}

export interface Numbers {
  readonly data: Float32Array | Uint8Array
  readonly dims: readonly number[]
  /** What was done to the file. */
  readonly note: string
  /** The waveform of a sound. */
  readonly waveform?: SentWaveform
}

/** Decodes a picture and makes it the numbers that an input takes. */
export async function pictureNumbers(
  file: Blob,
  input: InputDescription,
  preprocessing: Preprocessing | undefined,
): Promise<Numbers> {
  const order = coloursOf(input)
  const dims = input.dims ?? []
  const [rows, columns] = order === 'first' ? [dims[2], dims[3]] : [dims[1], dims[2]]
  const height = typeof rows === 'number' ? rows : (preprocessing?.height ?? SIDE)
  const width = typeof columns === 'number' ? columns : (preprocessing?.width ?? SIDE)
  const count = Number(order === 'first' ? dims[1] : dims[3])
  const pixels = await pixelsOf(file, width, height)
  const isBytes = input.type === 'uint8'
  const { rescale = 1 / 255, mean, std } = preprocessing ?? {}
  const size = width * height
  const data = isBytes ? new Uint8Array(count * size) : new Float32Array(count * size)
  for (let at = 0; at < size; at++)
    for (let colour = 0; colour < count; colour++) {
      const [r, g, b] = pixels.subarray(4 * at, 4 * at + 3)
      const byte = count === 1 ? 0.299 * r + 0.587 * g + 0.114 * b : pixels[4 * at + colour]
      const value = isBytes ? byte : (byte * rescale - (mean?.[colour] ?? 0)) / (std?.[colour] ?? 1)
      data[order === 'first' ? colour * size + at : count * at + colour] = value
    }
  const range = isBytes
    ? 'from 0 to 255'
    : mean
      ? 'normalised as preprocessor_config.json says'
      : `times ${rescale === 1 / 255 ? '1/255' : rescale}, without a mean: no preprocessor_config.json has one`
  return {
    data,
    dims: order === 'first' ? [1, count, height, width] : [1, height, width, count],
    note: `resized to ${width} × ${height}, ${range}`,
  }
}

/** The red, green, blue and alpha of each pixel of a picture that is scaled to fill a size, and cut in the middle. */
async function pixelsOf(file: Blob, width: number, height: number): Promise<Uint8ClampedArray> {
  const bitmap = await createImageBitmap(file)
  const canvas = new OffscreenCanvas(width, height)
  const context = canvas.getContext('2d', { willReadFrequently: true })!
  context.imageSmoothingQuality = 'high'
  const scale = Math.max(width / bitmap.width, height / bitmap.height)
  const [w, h] = [bitmap.width * scale, bitmap.height * scale]
  context.drawImage(bitmap, (width - w) / 2, (height - h) / 2, w, h)
  bitmap.close()
  return context.getImageData(0, 0, width, height).data
}

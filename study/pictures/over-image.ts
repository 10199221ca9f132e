import { type Chart, config, heading, NEGATIVE, number, POSITIVE } from './chart.ts'

/** Numbers for the pixels of an image. Both have rows from top to bottom. */
export interface OverImage {
  readonly title: string
  readonly subtitle?: string
  /** The image, of any scale: its least value is drawn dark, and its greatest white. */
  readonly image: readonly (readonly number[])[]
  readonly values: readonly (readonly number[])[]
  /** What the numbers measure. */
  readonly measure: string
  /** What rows and columns are. */
  readonly names: readonly [down: string, across: string]
}

/** The width of a picture in points, as far as whole points for each pixel allow it. */
const WIDTH = 640
/** The share of pixels that are not drawn in full colour: one pixel that stands out would make all others pale. */
const CLEAR = 0.99
/** The darkest shade, on which both colours can be seen. */
const INK = '#b0b0b0'
/** Pixels with a smaller share of the largest number show the image alone. */
const LEAST_SHARE = 0.02

/** An image in shades of grey, with the numbers of its pixels over it in colours: the larger one is, the less of the image shows through. */
export function overImage({ title, subtitle, image, values, measure, names }: OverImage): Chart {
  const shades = image.flat()
  const [black, white] = shades.reduce(
    ([low, high], shade) => [Math.min(low, shade), Math.max(high, shade)],
    [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
  )
  const sizes = Float64Array.from(values.flat(), Math.abs).sort()
  const most = Math.max(Number.MIN_VALUE, sizes[Math.floor(sizes.length * CLEAR)])
  const isSigned = values.some(row => row.some(value => value < 0))
  const domain = isSigned ? [-most, 0, most] : [0, most]
  // White is the colour of the page.
  const pixels = image
    .flatMap((row, y) => row.map((shade, x) => ({ x, y, shade: (shade - black) / (white - black) })))
    .filter(({ shade }) => shade < 1)
  const cells = values
    .flatMap((row, y) =>
      row.map((value, x) => ({
        x,
        y,
        value,
        share: Math.min(1, Math.abs(value) / most),
        about: `${names[0]} ${y}, ${names[1]} ${x}, ${measure} ${number(value, 4)}`,
      })),
    )
    .filter(({ share }) => share >= LEAST_SHARE)
  const step = Math.max(2, Math.min(14, Math.floor(WIDTH / image[0].length)))
  const at = (field: string, name: string, length: number) => ({
    field,
    type: 'ordinal',
    title: name,
    scale: { domain: Array.from({ length }, (_, i) => i), padding: 0 },
    axis: { domain: false, ticks: false, values: [0, length - 1], labelAngle: 0 },
  })
  const place = { x: at('x', names[1], image[0].length), y: at('y', names[0], image.length) }
  return {
    title: heading(title, subtitle),
    width: { step },
    height: { step },
    layer: [
      {
        data: { values: pixels },
        mark: { type: 'rect', aria: false },
        encoding: {
          ...place,
          color: {
            field: 'shade',
            type: 'quantitative',
            scale: { domain: [0, 1], range: [INK, 'white'] },
            legend: null,
          },
        },
      },
      {
        data: { values: cells },
        mark: { type: 'rect' },
        encoding: {
          ...place,
          color: {
            field: 'value',
            type: 'quantitative',
            title: measure,
            scale: { range: isSigned ? [NEGATIVE, 'white', POSITIVE] : ['white', POSITIVE], domain, clamp: true },
            legend: { gradientLength: 90, titleLimit: 220 },
          },
          opacity: {
            field: 'share',
            type: 'quantitative',
            scale: { type: 'sqrt', domain: [0, 1], range: [0, 0.9] },
            legend: null,
          },
          description: { field: 'about' },
        },
      },
    ],
    resolve: { scale: { color: 'independent' } },
    config,
  }
}

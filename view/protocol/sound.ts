import type { SentWaveform } from './api.ts'

interface Shape {
  readonly name: string
  readonly type?: string | undefined
  readonly dims?: readonly unknown[] | undefined
}

/** Whether the samples of sound fit a value: [batch, sample] or [batch, 1, sample] of floats. */
export const fitsSound = ({ type, dims = [] }: Shape): boolean =>
  type === 'float32' && (dims.length === 2 || (dims.length === 3 && dims[1] === 1))

/** Whether a value has a name that says that it holds the samples of sound. */
export const takesSound = (value: Shape): boolean =>
  fitsSound(value) && /^(input_values|audio|audio_values|waveform|wav|samples|speech)$/i.test(value.name)

/** The most columns of a waveform. */
const MAX_COLUMNS = 512

/** How many samples a column joins. */
export const samplesPerColumn = (samples: number): number => Math.max(1, Math.ceil(samples / MAX_COLUMNS))

/** The least and the largest sample in each column. */
export function waveformOf(data: Float32Array): SentWaveform {
  const step = samplesPerColumn(data.length)
  const columns = Array.from({ length: Math.ceil(data.length / step) }, (_, i) =>
    data.subarray(i * step, (i + 1) * step),
  )
  return {
    samples: data.length,
    least: columns.map(column => column.reduce((a, b) => Math.min(a, b))),
    largest: columns.map(column => column.reduce((a, b) => Math.max(a, b))),
  }
}

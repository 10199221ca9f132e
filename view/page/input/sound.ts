import type { InputDescription, Preprocessing } from '../../protocol/api.ts'
import type { Numbers } from './picture.ts'

/** Samples in a second where nothing says how many. Most models of speech take as many. */
const SAMPLING_RATE = 16_000

/** Whether the samples of sound fit an input: [batch, sample] or [batch, 1, sample] of floats. */
export const fitsSound = ({ type, dims = [] }: InputDescription): boolean =>
  type === 'float32' && (dims.length === 2 || (dims.length === 3 && dims[1] === 1))

/** Whether an input has a name that says that it takes the samples of sound. */
export const takesSound = (input: InputDescription): boolean =>
  fitsSound(input) && /^(input_values|audio|audio_values|waveform|wav|samples|speech)$/i.test(input.name)

/** Decodes a file of sound and makes it the numbers that an input takes. */
export async function soundNumbers(
  file: Blob,
  { dims = [] }: InputDescription,
  preprocessing: Preprocessing | undefined,
): Promise<Numbers> {
  const rate = preprocessing?.samplingRate ?? SAMPLING_RATE
  const context = new OfflineAudioContext(1, 1, rate)
  // The decoder gives samples at the rate of the context.
  const sound = await context.decodeAudioData(await file.arrayBuffer())
  const wanted = dims.at(-1)
  const length = typeof wanted === 'number' ? wanted : sound.length
  const data = new Float32Array(length)
  for (let channel = 0; channel < sound.numberOfChannels; channel++)
    for (const [i, sample] of sound.getChannelData(channel).subarray(0, length).entries())
      data[i] += sample / sound.numberOfChannels
  const cut = sound.length > length ? `, the first ${length} of ${sound.length} samples` : ''
  return {
    data,
    dims: dims.length === 3 ? [1, 1, length] : [1, length],
    note: `${length} samples at ${rate} a second${sound.numberOfChannels > 1 ? ', the mean of its channels' : ''}${cut}`,
  }
}

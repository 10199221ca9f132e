import type { InputDescription, Preprocessing } from '../../protocol/api.ts'
import { waveformOf } from '../../protocol/sound.ts'
import type { Numbers } from './picture.ts'

/** Samples in a second where nothing says how many. Most models of speech take as many. */
const SAMPLING_RATE = 16_000

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
    waveform: { ...waveformOf(data), rate },
    note: `${length} samples at ${rate} a second${sound.numberOfChannels > 1 ? ', the mean of its channels' : ''}${cut}`,
  }
}

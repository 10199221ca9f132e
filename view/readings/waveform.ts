import { toJson } from '../../cli/outputs/to-json.ts'
import { cat, type Inputs, type Tensor } from '../../runtime/index.ts'
import type { Binding } from '../../runtime/model/modules/binding.ts'
import { toTensor } from '../../runtime/tensor/values/convert.ts'
import type { Cell, SentWaveform } from '../protocol/api.ts'
import { fitsSound, samplesPerColumn, takesSound } from '../protocol/sound.ts'
import { asFloats } from './statistics.ts'

export interface WaveformHandles {
  readonly samples: number
  readonly least: Tensor
  readonly largest: Tensor
}

/** How many samples of sound a model is run on; undefined if no input has a name that says that it takes sound. */
export function samplesOf(binding: Binding, inputs: Inputs): number | undefined {
  const sound = binding.taps.tree.graph.inputs.find(takesSound)
  const value = sound && (inputs as Record<string, Tensor | undefined>)[sound.name]
  return value && (toTensor(value).dims.at(-1) as number)
}

/**
 * The waveform of a value that holds samples of sound: its name says it, or it has as many as the model is run on.
 * @param count how many samples the model is run on
 */
export function waveformHandles(
  tensor: Tensor,
  name: string,
  batch: number,
  count: number | undefined,
): WaveformHandles | undefined {
  const dims = tensor.dims as readonly number[]
  const samples = dims.at(-1) ?? 0
  const value = { name, type: tensor.type, dims }
  if (samples < 2 || !(takesSound(value) || (samples === count && fitsSound(value)))) return undefined
  const row = asFloats(tensor)
    .select(0, Math.min(batch, dims[0] - 1))
    .reshape(samples)
  const step = samplesPerColumn(samples)
  const full = Math.floor(samples / step)
  const parts = [row.narrow(0, 0, full * step).unflatten(0, [full, step])]
  if (samples > full * step) parts.push(row.narrow(0, full * step, samples - full * step).unsqueeze(0))
  const [least, largest] = [parts.map(part => part.amin(1)), parts.map(part => part.amax(1))]
  return { samples, least: cat(least, 0), largest: cat(largest, 0) }
}

export const sentWaveform = ({ samples, least, largest }: WaveformHandles): SentWaveform => ({
  samples,
  least: toJson(least.tolist()) as Cell[],
  largest: toJson(largest.tolist()) as Cell[],
})

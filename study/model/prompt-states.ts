import { stack } from '../../runtime/tensor/functions.ts'
import type { Tensor } from '../../runtime/tensor/tensor.ts'
import type { TraceOptions } from '../../runtime/tracing/tracer.ts'
import { type OnProgress, Sweep } from '../sweeps/sweep.ts'
import type { Prompts, StudiedModel } from './studied-model.ts'

/** Where a prompt's state is read: at its last token, or as the mean over all its tokens. */
export type ReadAt = 'last' | 'mean'

/** The residual stream after some layers, one row for each prompt: float32 `[prompt, width]` for each layer. */
export async function promptStates(
  studied: StudiedModel,
  { alone, mask }: Prompts,
  layers: readonly number[],
  position: ReadAt,
  options: TraceOptions,
  onProgress?: OnProgress,
): Promise<Tensor[]> {
  const rows: Tensor[][] = []
  const sweep = await Sweep.open<Tensor[]>(
    studied,
    { ...options, ...(onProgress ? { onProgress } : {}) },
    {},
    alone.length,
  )
  for (const [row, inputs] of alone.entries()) {
    const real = mask[row]
    const read = () =>
      studied.model.trace(inputs, options, () => {
        const { leaving } = studied.lens()
        return layers.map(layer => {
          const state = studied.read(leaving[layer]).select(0, 0).to('float32')
          return position === 'last'
            ? state.select(0, real.lastIndexOf(true))
            : state.narrow(0, real.indexOf(true), real.filter(Boolean).length).mean(0)
        })
      })
    rows.push(await sweep.step(String(row), read))
  }
  return Promise.all(layers.map((_, i) => stack(rows.map(row => row[i])).value()))
}

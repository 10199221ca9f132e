import { copyFile, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { load, type Model } from 'onnsight'
import { ids } from './ids.ts'
import { type Measure, measure, median } from './measure.ts'

/** A limit that is too small for a block's weights in the kernels' own layout, so that rebuilt blocks are never prepacked. */
const NEVER_PROMOTED = 16 * 1024 * 1024

/**
 * Measures what `cacheFolder` gains: the run time of one rebuilt block with each weight at the start of a page, compared with weights in the
 * .onnx file. Blocks before it are reused, and none after it run, so that its weights are in the processor's cache: if they came from main
 * memory each time, the speed of the memory would decide. Both files are new, because the speed also depends on a file's place in memory,
 * by up to half.
 */
export async function alignedWeights(path: string, rounds: number): Promise<Measure[]> {
  const folder = await mkdtemp(join(import.meta.dirname, 'models', 'cache-'))
  const copy = join(folder, 'copy.onnx')
  await copyFile(path, copy)
  const options = { sessionBytes: NEVER_PROMOTED }
  const inPlace = await load(copy, options)
  const start = performance.now()
  const aligned = await load(copy, { ...options, cacheFolder: folder })
  const results = [measure('a load that writes the aligned copy', performance.now() - start, 'ms')]
  for (const length of [64, 16, 1]) {
    const tokens = ids(length, 0)
    const times = [inPlace, aligned].map(() => [] as number[])
    for (let round = -4; round < 4 * rounds; round++) {
      for (const i of round % 2 === 0 ? [0, 1] : [1, 0]) {
        const ms = await rebuiltMs([inPlace, aligned][i], tokens)
        if (round >= 0) times[i].push(ms)
      }
    }
    const [there, here] = times.map(median)
    const what = length === 1 ? '1 token' : `${length} tokens`
    results.push(measure(`a rebuilt block with cacheFolder, against one without, ${what}`, here / there, '×'))
  }
  await inPlace.release()
  await aligned.release()
  await rm(folder, { recursive: true })
  return results
}

async function rebuiltMs(model: Model, tokens: number[]): Promise<number> {
  let ms = 0
  await model.trace(
    [tokens],
    {
      onReport: ({ steps }) => {
        for (const { kind, runMs } of steps) if (kind === 'rebuilt') ms += runMs
      },
    },
    m => {
      m.transformer.h[5].mlp.act.output.set('..., 0:64', 0)
      return m.transformer.h[5].output
    },
  )
  if (ms === 0) throw new Error('No block was rebuilt.')
  return ms
}

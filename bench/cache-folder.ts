import { execFileSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { load } from 'onnsight'
import { decoder } from './decoder.ts'
import { createMs } from './loading.ts'
import { type Measure, measure, median, REST } from './measure.ts'
import { ratios } from './ratios.ts'
import { sweep } from './sweep.ts'

/** Measures what `cacheFolder` gains: memory, loading, and the ratios to a plain session. */
export async function cacheFolder(kind: string, path: string, rounds: number): Promise<Measure[]> {
  const folder = await mkdtemp(join(import.meta.dirname, 'models', 'cache-'))
  try {
    const options = { cacheFolder: folder }
    const what = `${kind}, with cacheFolder`
    const start = performance.now()
    await (await load(path, options)).release()
    const results = [measure(`a load that writes the file: ${what}`, performance.now() - start, 'ms')]
    const plainMs = await createMs(path)
    const times: number[] = []
    for (let i = 0; i < 2; i++) {
      const start = performance.now()
      const model = await load(path, options)
      times.push(performance.now() - start)
      await model.release()
    }
    results.push(measure(`load, against one session’s creation: ${what}`, Math.min(...times) / plainMs, '×'))
    results.push(
      measure(`private memory in use: ${what}`, memoryOf(path, 'model', folder), 'MB'),
      measure(`private memory in use: ${kind}`, memoryOf(path, 'model'), 'MB'),
      measure(`private memory in use, of a plain session: ${kind}`, memoryOf(path, 'plain'), 'MB'),
    )
    for (const rests of [true, false]) results.push(...(await ratios(what, path, rounds, rests, options)))
    return [...results, ...(await sweep(what, path, Math.ceil(rounds / 6), REST, options))]
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** Measures `generate` with packed weights from a file, compared with a loop by hand. */
export async function cachedDecoder(path: string, rounds: number): Promise<Measure[]> {
  const folder = await mkdtemp(join(import.meta.dirname, 'models', 'cache-'))
  try {
    return await decoder(path, rounds, REST, 'cpu', { cacheFolder: folder })
  } finally {
    await rm(folder, { recursive: true })
  }
}

/**
 * The median of three processes. glibc keeps freed memory, here 40 to 100 MB of weights that were packed and then dropped, and how much differs
 * from process to process. With these thresholds, it gives back what is freed, so that only memory in use is counted.
 */
function memoryOf(...args: readonly string[]): number {
  const script = join(import.meta.dirname, 'memory-child.ts')
  const env = { ...process.env, MALLOC_MMAP_THRESHOLD_: '131072', MALLOC_TRIM_THRESHOLD_: '131072' }
  const one = () => Number(execFileSync(process.execPath, ['--import', 'onnsight/register', script, ...args], { env }))
  return median([one(), one(), one()])
}

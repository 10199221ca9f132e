import { load } from 'onnsight'
import * as ort from 'onnxruntime-node'
import { type Measure, measure } from './measure.ts'

/** The milliseconds that it takes to create a session of the whole file: the shorter time of two. */
export async function createMs(path: string): Promise<number> {
  const times: number[] = []
  for (let i = 0; i < 2; i++) {
    const start = performance.now()
    const session = await ort.InferenceSession.create(path)
    times.push(performance.now() - start)
    await session.release()
  }
  return Math.min(...times)
}

/** Measures loading, compared with the creation of one session. */
export async function loading(path: string, createMs: number): Promise<Measure[]> {
  const times: number[] = []
  let blocks = 0
  for (const options of [{}, { groupBytes: 0 }, { blocks: 1 }]) {
    const start = performance.now()
    const model = await load(path, { reuseBytes: 0, ...options })
    times.push(performance.now() - start)
    blocks = Math.max(blocks, model.engine.blocks.length)
    await model.release()
  }
  return [
    measure('load of the model, against one session’s creation', times[0] / createMs, '×', 1.2),
    measure('each further session at load', (times[1] - times[2]) / (blocks - 1), 'ms'),
  ]
}

import { OnnsightError } from '../errors/error.ts'
import { recordingFromJSON } from '../graph/from-json.ts'
import { readerOf } from '../model/intervention.ts'
import { load } from '../model/load.ts'
import type { Model } from '../model/model.ts'
import { installPlatform } from '../node/platform.ts'
import type { TensorData } from '../tensor/dtypes/data.ts'
import { EngineRunner, type Runner } from '../tracing/runner.ts'
import { type HasTraceable, type Traceable, traceable } from '../tracing/traceable.ts'
import type { Reply, Request, RunReply } from './messages.ts'

/* The process that runs traces for a WorkerBackend. */

installPlatform()
let loading: Promise<Model> | undefined
let model: Promise<Traceable> | undefined
const traces = new Map<number, Runner>()

async function answer(request: Request): Promise<RunReply | undefined> {
  switch (request.kind) {
    case 'load':
      loading = load(request.path, request.options)
      model = loading.then(loaded => (loaded as unknown as HasTraceable)[traceable]())
      await model
      return undefined
    case 'end':
      traces.delete(request.trace)
      return undefined
    case 'run': {
      const { trace, inputs, goesOn, inputsComeOnce } = request
      const { engine } = await (await model!).variant(inputs)
      const reader = readerOf(engine, data => data as TensorData)
      const recording = recordingFromJSON(request.recording, reader)
      let runner = traces.get(trace)
      if (!runner) {
        runner = new EngineRunner(engine)
        traces.set(trace, runner)
      }
      const { executed, tapsBeforeReads, ...ran } = await runner.run({
        recording,
        inputs,
        signal: undefined,
        goesOn,
        inputsComeOnce,
      })
      return { ...ran, executed: [...executed], tapsBeforeReads: [...tapsBeforeReads] }
    }
  }
}

process.on('message', (request: Request) => {
  const { id } = request
  answer(request).then(
    result => reply({ id, result }),
    (error: Error) => {
      const { name, message } = error
      const known = error instanceof OnnsightError ? error : undefined
      reply({ id, error: { code: known?.code, name, message, fix: known?.fix, at: known?.at } })
    },
  )
})
// Profiles of sessions are written when they are released.
process.on('disconnect', () => {
  Promise.resolve(loading)
    .then(loaded => loaded?.release())
    .finally(() => process.exit())
    .catch(() => undefined)
})

function reply(message: Reply): void {
  // The parent process may have ended.
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined)
}

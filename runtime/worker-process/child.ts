import { answerRequests } from '../child-process/answer-requests.ts'
import { recordingFromJSON } from '../graph/from-json.ts'
import { readerOf } from '../model/intervention.ts'
import { load } from '../model/load.ts'
import type { Model } from '../model/model.ts'
import { installPlatform } from '../node/platform.ts'
import type { TensorData } from '../tensor/dtypes/data.ts'
import { EngineRunner, type Runner } from '../tracing/runner.ts'
import { type HasTraceable, type Traceable, traceable } from '../tracing/traceable.ts'
import type { Request, RunReply } from './messages.ts'

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

answerRequests<Request>(answer, async () => (await loading)?.release())

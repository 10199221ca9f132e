import { InvalidTensorsFileError } from '../errors/files.ts'
import { displayPath } from '../graph/display-path.ts'
import { recordingToJSON } from '../graph/json.ts'
import { memorySource } from '../onnx/files/memory-source.ts'
import type { TensorData } from '../tensor/dtypes/data.ts'
import { stateOf } from '../tensor/tensor.ts'
import { encodeData } from '../tensor/values/encoded.ts'
import { readTensors } from '../tensor-files/safetensors.ts'
import type { Runner, RunRequest, RunResult } from '../tracing/runner.ts'
import { askAgain, type RemoteModel } from './client.ts'
import { type RunDetails, SAFETENSORS } from './wire.ts'

/** Runs recordings on a server, again if the server was ended while it worked. It keeps no state there: a trace that goes on after a value computes it again. */
export class RemoteRunner implements Runner {
  readonly #find: () => Promise<RemoteModel>

  constructor(find: () => Promise<RemoteModel>) {
    this.#find = find
  }

  async run({ recording, inputs, signal }: RunRequest): Promise<RunResult> {
    const model = await this.#find()
    const body = JSON.stringify({
      ...recordingToJSON(recording, encodeData, displayPath),
      inputs: Object.fromEntries([...inputs].map(([name, data]) => [name, encodeData(data)])),
      result: null,
    })
    const bytes = await askAgain(model, '/graphs', {
      method: 'POST',
      body,
      headers: { accept: SAFETENSORS },
      ...(signal ? { signal } : {}),
    })
    const { tensors, metadata } = await readTensors(memorySource(bytes), `the answer of ${model.url}`)
    const { executed, tapsBeforeReads, report } = JSON.parse(metadata.onnsight ?? 'null') as RunDetails
    const wanted = recording.wanted.map((_, i): TensorData => {
      const tensor = tensors[String(i)]
      if (!tensor) throw new InvalidTensorsFileError(`the answer of ${model.url}`, `it has no value ${i}`)
      return stateOf(tensor).data()
    })
    return { wanted, executed, tapsBeforeReads, report }
  }
}

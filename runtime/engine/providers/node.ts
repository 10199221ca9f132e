import type * as ort from 'onnxruntime-node'
import type { TensorData } from '../../tensor/data.ts'
import type { HeldType } from '../../tensor/dtype.ts'
import { type OnnxRuntime, onnxruntime } from './onnxruntime-node.ts'
import { probeModel } from './probe.ts'
import type { Provider, Session, SessionOptions, SessionValue } from './provider.ts'

export interface NodeProviderOptions {
  readonly device: 'cpu' | 'cuda'
  readonly deviceId: number
  /** Threads for one operator. @default onnxruntime's own choice: one for each physical core */
  readonly threads?: number
}

/** onnxruntime-node, on the CPU or on one CUDA device. */
export function nodeProvider({ device, deviceId, threads }: NodeProviderOptions): Provider {
  const executionProviders: ort.InferenceSession.ExecutionProviderConfig[] =
    device === 'cuda' ? [{ name: 'cuda', deviceId }, 'cpu'] : ['cpu']
  return {
    name: device,
    async create({ bytes, folder }, options) {
      const runtime = await onnxruntime()
      const session = await runtime.InferenceSession.create(bytes, {
        executionProviders,
        graphOptimizationLevel: options.optimize,
        logSeverityLevel: 4,
        ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
        extra: { session: sessionConfig(folder, options) },
      })
      return wrap(session, runtime)
    },
    async probe() {
      const session = await this.create(probeModel(), { prepack: false, optimize: 'disabled' })
      await session.release()
    },
  }
}

/**
 * Keys must be strings with string values. Many sessions share the cores: a pool may spin within a run, but one that spins while idle
 * would slow the busy one.
 */
function sessionConfig(folder: string | undefined, { prepack }: SessionOptions): Record<string, string> {
  const config: Record<string, string> = { force_spinning_stop: '1' }
  if (!prepack) config.disable_prepacking = '1'
  if (folder !== undefined) config.model_external_initializers_file_folder_path = folder
  return config
}

function wrap(session: ort.InferenceSession, runtime: OnnxRuntime): Session {
  return {
    outputs: session.outputMetadata.map(describe),
    async run(feeds, fetches) {
      const tensors: Record<string, ort.Tensor> = {}
      for (const name in feeds) tensors[name] = toOrt(feeds[name], runtime)
      const results = await session.run(tensors, fetches as string[])
      const data: Record<string, TensorData> = {}
      for (const name in results) data[name] = fromOrt(results[name])
      return data
    },
    release: () => session.release(),
  }
}

function describe(value: ort.InferenceSession.ValueMetadata): SessionValue {
  if (!value.isTensor) return { name: value.name, type: 'other', dims: [] }
  return { name: value.name, type: value.type, dims: value.shape.map(dim => (dim === '' ? undefined : dim)) }
}

/** Edge tensors go from session to session as they are: the wrapper is made once. */
const wrapped = new WeakMap<TensorData, ort.Tensor>()

function toOrt(tensor: TensorData, { Tensor }: OnnxRuntime): ort.Tensor {
  let result = wrapped.get(tensor)
  if (!result) {
    result = new Tensor(tensor.type as 'float32', tensor.data as Float32Array, tensor.dims as number[])
    wrapped.set(tensor, result)
  }
  return result
}

function fromOrt(tensor: ort.Tensor): TensorData {
  const data: TensorData = { type: tensor.type as HeldType, dims: tensor.dims, data: tensor.data as TensorData['data'] }
  wrapped.set(data, tensor)
  return data
}

import * as ort from 'onnxruntime-node'
import { wrapSession } from './ort.ts'
import { probeModel } from './probe.ts'
import type { Provider, SessionOptions } from './provider.ts'

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
      const session = await ort.InferenceSession.create(bytes, {
        executionProviders,
        graphOptimizationLevel: options.optimize,
        logSeverityLevel: 4,
        ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
        extra: { session: sessionConfig(folder, options) },
      })
      return wrapSession(session, ort.Tensor)
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

import type { InferenceSession } from 'onnxruntime-common'
import { OutOfMemoryError, WebGpuUnavailableError } from '../../errors/web.ts'
import type { Provider, SessionModel } from '../sessions/provider.ts'
import { assertRuntimeVersion } from './least-version.ts'
import { withOptimizers, wrapSession } from './ort.ts'
import { probeModel } from './probe.ts'

export interface WebProviderOptions {
  readonly device: 'wasm' | 'webgpu'
  /** Threads for one operator; more than one need a page that is cross-origin isolated. @default onnxruntime's own choice */
  readonly threads?: number
  /** The level of graph optimisation of sessions that run the model. @default 'all' */
  readonly optimization?: InferenceSession.SessionOptions['graphOptimizationLevel'] | undefined
}

/** Runs sessions with onnxruntime-web. Fetches the WebAssembly file of the chosen device only. */
export function webProvider({ device, threads, optimization }: WebProviderOptions): Provider {
  const library = memoised(() =>
    device === 'webgpu' ? import('onnxruntime-web/webgpu') : import('onnxruntime-web/wasm'),
  )
  return {
    name: device,
    copiesWeights: true,
    async create(model, { optimize, prepack }) {
      const bytes = (model.parts ?? []).reduce((sum, part) => sum + part.bytes, 0)
      if (bytes > MAX_BYTES) throw new OutOfMemoryError(bytes)
      const ort = await library()
      assertRuntimeVersion('onnxruntime-web', ort)
      const externalData = await readParts(model)
      const options: InferenceSession.SessionOptions = {
        executionProviders: device === 'webgpu' ? ['webgpu', 'wasm'] : ['wasm'],
        graphOptimizationLevel: optimize === 'model' ? (optimization ?? 'all') : optimize,
        logSeverityLevel: 4,
        externalData,
        ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
      }
      const session = prepack ? {} : { disable_prepacking: '1' }
      try {
        const created = await withOptimizers(model.isShielded, more =>
          ort.InferenceSession.create(model.bytes, { ...options, extra: { session, ...more } }),
        )
        return wrapSession(created, ort.Tensor)
      } catch (error) {
        throw isOutOfMemory(error) ? new OutOfMemoryError(bytes, error) : error
      }
    },
    async probe() {
      const { gpu } = navigator as { gpu?: { requestAdapter(): Promise<unknown> } }
      if (!gpu) throw new WebGpuUnavailableError('this browser, or this page, has none')
      if (!(await gpu.requestAdapter())) throw new WebGpuUnavailableError('the browser finds no graphics adapter')
      const session = await this.create(probeModel(), { prepack: false, optimize: 'disabled' })
      await session.release()
    },
  }
}

type ExternalData = { path: string; data: Uint8Array }[]

/** Reads the weights of a session. They are not kept afterwards. */
async function readParts({ parts = [] }: SessionModel): Promise<ExternalData> {
  const read: ExternalData = []
  for (const part of parts) read.push({ path: part.location, data: await part.read() })
  return read
}

/** The address space of 32-bit WebAssembly. */
const MAX_BYTES = 2 ** 32

const isOutOfMemory = (error: unknown): boolean =>
  /bad_alloc|out of memory|memory access out of bounds|Array buffer allocation failed|Cannot enlarge memory/i.test(
    String((error as Error)?.message ?? error),
  )

function memoised<T>(make: () => Promise<T>): () => Promise<T> {
  let promise: Promise<T> | undefined
  return () => {
    promise ??= make().catch(error => {
      promise = undefined
      throw error
    })
    return promise
  }
}

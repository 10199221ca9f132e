import { warn } from '../../../errors/warn.ts'
import { WebGpuUnavailableError } from '../../../errors/web.ts'
import type { TensorData } from '../../../tensor/dtypes/data.ts'
import type { Provider, Session, SessionModel } from '../../sessions/provider.ts'
import { nodeProvider } from '../node.ts'
import type { CreatedSession } from '../numbered-sessions.ts'
import type { WebProviderOptions } from '../web.ts'
import { Browser } from './browser.ts'
import type { Started } from './messages.ts'

/** How long Chromium stays open without sessions: closing one and opening the next is common. */
const LINGER_MS = 1000

/**
 * Runs the model's sessions by onnxruntime-web in a headless Chromium, on WebAssembly or WebGPU. Skeletons, which only tell dims, are created
 * in this process.
 * @param needsFloat16 whether the model has float16 values, which not every graphics adapter can compute with
 */
export function inChromium(options: WebProviderOptions, needsFloat16: boolean): Provider {
  const here = nodeProvider({ device: 'cpu', deviceId: 0 })
  let opening: Promise<Browser> | undefined
  let sessions = 0
  let closing: NodeJS.Timeout | undefined
  const browser = async (): Promise<Browser> => {
    clearTimeout(closing)
    if (opening && (await opening.catch(() => undefined))?.ended) opening = undefined
    opening ??= open(options, needsFloat16).catch(error => {
      opening = undefined
      throw error
    })
    return opening
  }
  const left = (): void => {
    if (sessions > 0) return
    clearTimeout(closing)
    closing = setTimeout(async () => {
      const own = await opening?.catch(() => undefined)
      if (sessions === 0 && own?.isIdle) own.close()
    }, LINGER_MS)
  }
  return {
    name: options.device,
    copiesWeights: true,
    async create(model, settings) {
      if (settings.optimize !== 'model') return here.create(inMemory(model), settings)
      const own = await browser()
      sessions++
      let isReleased = false
      const release = async (session: number | undefined): Promise<void> => {
        if (isReleased) return
        isReleased = true
        sessions--
        if (session !== undefined && !own.ended) await own.request({ kind: 'release', session })
        left()
      }
      try {
        const parts = await Promise.all(
          (model.parts ?? []).map(async ({ location, read }) => ({ location, data: await read() })),
        )
        const { bytes, isShielded = false } = model
        const created = await own.request({ kind: 'create', bytes, parts, isShielded, options: settings })
        return sessionIn(own, created as CreatedSession, release)
      } catch (error) {
        await release(undefined)
        throw error
      }
    },
    async probe() {
      await browser()
      left()
    },
  }
}

function sessionIn(
  browser: Browser,
  { session, outputs }: CreatedSession,
  release: (session: number) => Promise<void>,
): Session {
  return {
    // An unknown dim is null in JSON.
    outputs: outputs.map(output => ({ ...output, dims: output.dims.map(dim => dim ?? undefined) })),
    run: (feeds, fetches) =>
      browser.request({ kind: 'run', session, feeds, fetches }) as Promise<Record<string, TensorData>>,
    release: () => release(session),
  }
}

/** Small weights of a skeleton are in it; others it does not have. */
const inMemory = ({ bytes, isShielded }: SessionModel): SessionModel => ({
  bytes,
  folder: undefined,
  ...(isShielded === undefined ? {} : { isShielded }),
})

/** Opens Chromium with its own graphics adapter; if it finds none, with one that the processor computes. @throws WebGpuUnavailableError */
async function open(options: WebProviderOptions, needsFloat16: boolean): Promise<Browser> {
  const started = async (browser: Browser): Promise<Started> => {
    try {
      return (await browser.request({ kind: 'start', ...options })) as Started
    } catch (error) {
      browser.close()
      throw error
    }
  }
  if (options.device === 'wasm') {
    const browser = await Browser.open('none')
    await started(browser)
    return browser
  }
  let browser = await Browser.open('own')
  let found = await started(browser)
  if (!found.hasAdapter) {
    browser.close()
    browser = await Browser.open('software')
    found = await started(browser)
  }
  const { hasAdapter, isSoftware, computesFloat16 } = found
  if (isSoftware) warn('Chromium finds no graphics card: WebGPU runs on the processor, slowly.', 'webgpu-in-software')
  if (hasAdapter && (computesFloat16 || !needsFloat16)) return browser
  browser.close()
  throw new WebGpuUnavailableError(
    hasAdapter
      ? 'the model has float16 values, and the graphics adapter computes with float32 alone (it lacks shader-f16)'
      : 'Chromium finds no graphics adapter',
  )
}

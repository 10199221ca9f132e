import { OnnsightError } from './error.ts'

/** Thrown if a model can't be fetched. */
export class FetchError extends OnnsightError {
  static readonly code = 'fetch'
  /** Whether the server says that there is no such file. */
  declare readonly isMissing: boolean
  constructor(url: string, reason: string, fix: string, cause?: unknown, isMissing = false) {
    super(FetchError.code, `${url} could not be fetched: ${reason}.`, { fix, cause })
    Object.defineProperty(this, 'isMissing', { value: isMissing })
  }
}

/** Thrown if WebAssembly has no memory left for a model. */
export class OutOfMemoryError extends OnnsightError {
  static readonly code = 'out-of-memory'
  constructor(bytes: number, cause?: unknown) {
    super(
      OutOfMemoryError.code,
      `WebAssembly has no memory left for a session with ${Math.round(bytes / 2 ** 20)} MiB of weights. All sessions together have 4 GiB, and each holds its own copy of its weights.`,
      {
        fix: "release() models that you don't use, load with a smaller sessionBytes, use a smaller or quantised model, or load with { provider: 'webgpu' }",
        cause,
      },
    )
  }
}

export class WebGpuUnavailableError extends OnnsightError {
  static readonly code = 'webgpu-unavailable'
  constructor(reason: string, cause?: unknown) {
    super(WebGpuUnavailableError.code, `WebGPU can't be used here: ${reason}.`, {
      fix: "allow WebAssembly: load(url, { provider: 'webgpu', fallback: 'wasm' }), or use a browser with WebGPU on a page served by https",
      cause,
    })
  }
}

/** Thrown for something that only works in Node. */
export class NotInBrowserError extends OnnsightError {
  static readonly code = 'not-in-browser'
  constructor(what: string, fix: string) {
    super(NotInBrowserError.code, `${what} is not possible in a browser.`, { fix })
  }
}

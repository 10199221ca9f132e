import { once } from 'node:events'
import { byteSize } from '../../cli/shared/byte-size.ts'
import { print } from '../../cli/shared/print.ts'
import { WorkerBackend } from '../../runtime/index.ts'
import { TwoModels } from '../beside/two-models.ts'
import { type OpenOptions, openModel } from '../model/open-model.ts'
import { addressOf } from './address.ts'
import { openBrowser } from './open-browser.ts'
import { listen } from './server.ts'
import { Viewer } from './viewer.ts'

export interface ViewOptions {
  /** The port; 0 picks the one that the model had the last time, if it is free. */
  readonly port: number
  readonly open: boolean
  readonly json: boolean
  /** A second model, with which the first one is compared. */
  readonly beside?: string | undefined
}

/** Serves the page of a model until SIGINT or SIGTERM. @throws CommandError */
export async function startView(path: string, options: OpenOptions, view: ViewOptions): Promise<void> {
  const opened = await openModel(path, { ...options, ...(view.json ? {} : { onProgress: showProgress() }) })
  const backend = new WorkerBackend()
  const models =
    view.beside === undefined ? undefined : new TwoModels({ a: path, b: view.beside, options: ownOf(options) })
  try {
    const { token, port } = addressOf(path, view.beside)
    const beside = models && { models, about: await models.open() }
    const viewer = new Viewer(opened, { backend, options, beside })
    const server = await (view.port === 0
      ? listen(viewer, token, port).catch(() => listen(viewer, token, 0))
      : listen(viewer, token, view.port))
    const url = `http://127.0.0.1:${server.port}/${token}/`
    const texts = opened.tokenizer ? `Texts of token ids: ${opened.tokenizer}\n` : ''
    print(view.json ? JSON.stringify({ url }) : `${url}\n${texts}Ctrl-C ends the command.`)
    if (view.open) await openBrowser(url)
    await stopSignal()
    server.close()
  } finally {
    models?.release()
    backend.release()
    await opened.model.release()
  }
}

/** The options that both models are opened with. */
const ownOf = ({ vocab, dtype, provider, threads }: OpenOptions) => ({
  ...(vocab === undefined ? {} : { vocab }),
  ...(dtype === undefined ? {} : { dtype }),
  ...(provider === undefined ? {} : { provider }),
  ...(threads === undefined ? {} : { threads }),
})

/** Waits until the user ends the command. */
async function stopSignal(): Promise<void> {
  const listeners = new AbortController()
  await Promise.race(['SIGINT', 'SIGTERM'].map(name => once(process, name, { signal: listeners.signal })))
  listeners.abort()
}

/** Shows on a terminal how much of a model of the hub has been downloaded. */
function showProgress(): (done: number, total: number, what: string) => void {
  let last = ''
  return (done, total, what) => {
    const line = `${Math.floor((100 * done) / Math.max(1, total))} % of ${byteSize(total)} ${what}`
    if (!process.stderr.isTTY || what !== 'downloaded' || line === last) return
    last = line
    process.stderr.write(`\r${line}${done >= total ? '\n' : ''}`)
  }
}

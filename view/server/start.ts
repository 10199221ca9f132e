import { once } from 'node:events'
import { print } from '../../cli/shared/print.ts'
import type { LoadOptions } from '../../runtime/index.ts'
import { load, WorkerBackend } from '../../runtime/index.ts'
import { findVocabulary } from '../model/find-vocabulary.ts'
import { readVocabulary } from '../model/vocabulary.ts'
import { makeToken } from './check-request.ts'
import { openBrowser } from './open-browser.ts'
import { listen } from './server.ts'
import { Viewer } from './viewer.ts'

export interface ViewOptions {
  /** The vocabulary's file. @default the one next to the model, if there is one */
  readonly vocab?: string
  /** The port; 0 picks a free one. */
  readonly port: number
  readonly open: boolean
  readonly json: boolean
}

/** Serves the page of a model until SIGINT or SIGTERM. @throws CommandError */
export async function startView(path: string, options: LoadOptions, view: ViewOptions): Promise<void> {
  const found = view.vocab === undefined ? await findVocabulary(path) : undefined
  const vocabulary = view.vocab === undefined ? found?.vocabulary : await readVocabulary(view.vocab)
  const model = await load(path, options)
  const backend = new WorkerBackend()
  try {
    const token = makeToken()
    const server = await listen(new Viewer(model, { backend, vocabulary, options }), token, view.port)
    const url = `http://127.0.0.1:${server.port}/${token}/`
    const texts = found ? `Texts of token ids: ${found.file}\n` : ''
    print(view.json ? JSON.stringify({ url }) : `${url}\n${texts}Ctrl-C ends the command.`)
    if (view.open) await openBrowser(url)
    await stopSignal()
    server.close()
  } finally {
    backend.release()
    await model.release()
  }
}

/** Waits until the user ends the command. */
async function stopSignal(): Promise<void> {
  const listeners = new AbortController()
  await Promise.race(['SIGINT', 'SIGTERM'].map(name => once(process, name, { signal: listeners.signal })))
  listeners.abort()
}

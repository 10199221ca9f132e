import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { byteSize } from '../../cli/shared/byte-size.ts'
import { CommandError } from '../../cli/shared/errors.ts'
import { print } from '../../cli/shared/print.ts'
import { WorkerBackend } from '../../runtime/index.ts'
import { type OpenOptions, openModel } from '../model/open-model.ts'
import { type AttentionOverview, attributionMethods, type ModelDescription, type Token } from '../protocol/api.ts'
import { firstToken, headBody, importanceBody, lensBody, overviewBody } from '../protocol/bodies.ts'
import { exampleForm } from '../protocol/example.ts'
import { type Asker, type InputForm, type RunInputs, readForm } from '../protocol/form.ts'
import { keyOf, type SavedAnswer } from '../protocol/saved-copy.ts'
import { wholePage } from '../protocol/whole-page.ts'
import { Viewer } from './viewer.ts'

export interface SaveOptions {
  /** The file that is written. */
  readonly file: string
  /** The text that the model runs on, instead of an example. */
  readonly text: string | undefined
  readonly json: boolean
}

/** The most modules and heads whose values are saved. */
const MAX_PARTS = 300

/** Writes the page of a model as one file of HTML with the values of an example, which others open without the command. @throws CommandError */
export async function saveView(path: string, options: OpenOptions, { file, text, json }: SaveOptions): Promise<void> {
  const opened = await openModel(path, options)
  const backend = new WorkerBackend()
  try {
    const asked = new RecordingAsker(new Viewer(opened, { backend, options }))
    const model = await asked.ask<ModelDescription>('model')
    const form = text === undefined ? await exampleForm(model, asked) : formOf(model, text)
    await askAll(asked, model, form && (await readForm(model, asked, form)))
    const page = await wholePage(
      {
        state: text === undefined ? '' : String(new URLSearchParams({ tab: 'overview', text })),
        date: new Date().toISOString(),
        answers: Object.fromEntries(asked.answers),
      },
      textOfPage,
    )
    await writeFile(file, page).catch((error: Error) => {
      throw new CommandError(`${file} can't be written: ${error.message}`, 'choose another file', error)
    })
    const bytes = Buffer.byteLength(page)
    print(json ? JSON.stringify({ file, bytes }) : `${file}, ${byteSize(bytes)}`)
  } finally {
    backend.release()
    await opened.model.release()
  }
}

function formOf(model: ModelDescription, text: string): InputForm {
  if (model.ids === undefined || !model.hasVocabulary)
    throw new CommandError('The model takes no text.', 'leave out --text, or pass a tokenizer with --vocab')
  return { kind: 'text', text, fields: {}, dims: {} }
}

/** Answers requests as the server does, and keeps the answers. */
class RecordingAsker implements Asker {
  readonly answers = new Map<string, SavedAnswer>()
  readonly #viewer: Viewer

  constructor(viewer: Viewer) {
    this.#viewer = viewer
  }

  async ask<R>(name: string, body?: unknown): Promise<R> {
    // Requests and answers go through JSON, as between the page and the server.
    const sent = body === undefined ? undefined : (JSON.parse(JSON.stringify(body)) as unknown)
    const answer = await this.#viewer.calls.get(name)!.answer(sent, new AbortController().signal, () => undefined)
    const value = JSON.parse(JSON.stringify(answer)) as R
    this.answers.set(keyOf(name, body), { value })
    return value
  }

  /** Asks for what not every model has. */
  async tryTo(name: string, body: unknown): Promise<void> {
    await this.ask(name, body).catch(() => undefined)
  }
}

/** Asks for all that the page shows of one input without more runs: each tab, module and head. */
async function askAll(asked: RecordingAsker, model: ModelDescription, inputs: Omit<RunInputs, 'number'> | undefined) {
  const paths = model.modules.slice(0, MAX_PARTS).map(({ path }) => path)
  await asked.ask('operations', { paths: model.modules.filter(({ own }) => own > 0).map(({ path }) => path) })
  for (const path of paths) await asked.tryTo('graph', { path })
  if (!inputs) return
  const { request } = inputs
  const row = inputs.rows?.[0]
  const position = row && firstToken(row)
  await asked.tryTo('overview', overviewBody(model, request, position))
  if (row && !('reason' in model.lens)) await askLenses(asked, request, row)
  for (const path of paths) await asked.tryTo('module', { ...request, path })
  if (model.hasAttention) await asked.tryTo('heads', { ...request, path: '' })
  if (model.hasAttention) await askHeads(asked, request, position)
  if (model.logits !== undefined && position !== undefined)
    for (const method of attributionMethods)
      for (const follow of ['next', 'model'] as const)
        await asked.tryTo('importance', importanceBody(request, method, follow, position))
}

async function askLenses(asked: RecordingAsker, request: RunInputs['request'], row: readonly Token[]): Promise<void> {
  const positions = [...row.keys()].filter(position => lensBody(request, position, 'next').from === position)
  for (const position of positions)
    for (const follow of ['next', 'model'] as const) await asked.tryTo('lens', lensBody(request, position, follow))
}

/** Asks for heads whose small maps leave out cells. The others are in the small maps. */
async function askHeads(
  asked: RecordingAsker,
  request: RunInputs['request'],
  query: number | undefined,
): Promise<void> {
  const { sites } = await asked.ask<AttentionOverview>('attention', request)
  const all = sites.flatMap(({ path, heads, maps }) =>
    Array.from({ length: heads }, (_, head) => ({ path, head, isWhole: maps[head].factors.every(one => one === 1) })),
  )
  for (const { path, head } of all.filter(({ isWhole }) => !isWhole).slice(0, MAX_PARTS))
    await asked.tryTo('attention-head', headBody(request, path, head, query))
}

const pageFolder = new URL('../page/', import.meta.url)

const textOfPage = (address: string): Promise<string> =>
  readFile(fileURLToPath(new URL(address === './' ? 'index.html' : address, pageFolder)), 'utf8')

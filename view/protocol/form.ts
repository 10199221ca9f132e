import type { InputDescription, InputValue, ModelDescription, RunRequest, SentWaveform, Token, Tokens } from './api.ts'

/** Sends a request to the server and gives its answer. */
export interface Asker {
  ask<R>(name: string, body?: unknown): Promise<R>
}

/** The user’s value for an input other than the token ids. */
export interface Field {
  readonly kind: 'random' | 'zeros' | 'ones' | 'positions' | 'text' | 'json' | 'file'
  /** JSON, or a text. */
  readonly json: string
  /** A file, and what was done to a picture or a sound. */
  readonly file?: {
    readonly name: string
    readonly base64: string
    readonly note?: string
    readonly waveform?: SentWaveform
  }
}

/** The user’s inputs for a run, as they were typed and chosen. */
export interface InputForm {
  readonly kind: 'text' | 'ids'
  /** The text, or the ids as they were typed. */
  readonly text: string
  readonly fields: Readonly<Record<string, Field>>
  readonly dims: Readonly<Record<string, number>>
}

/** The inputs of all runs until the user enters others. */
export interface RunInputs {
  readonly request: RunRequest
  /** The tokens in each row of the batch, if the model takes token ids. */
  readonly rows: readonly (readonly Token[])[] | undefined
  /** A number that differs whenever the inputs do. */
  readonly number: number
}

/** The inputs that the user fills in, besides the ids and the inputs that follow from them. */
export const otherInputs = ({ inputs, ids }: ModelDescription): InputDescription[] =>
  inputs.filter(({ name, followsIds }) => name !== ids && !followsIds)

/** Whether an input takes the ids of a text: that of an encoder, beside the decoder’s own. */
export const takesText = ({ hasVocabulary }: ModelDescription, { name }: InputDescription): boolean =>
  hasVocabulary && name === 'input_ids'

/** The field of an input before the user changes it. A sampling rate of 0 fits no model of sound, and ids that are all 0 say nothing. */
export function emptyField(model: ModelDescription, input: InputDescription): Field {
  const { name, fillings } = input
  if (/^(sr|sample_?rate|sampling_?rate)$/i.test(name)) return { kind: 'json', json: '16000' }
  if (takesText(model, input) && model.example !== undefined) return { kind: 'text', json: model.example }
  if (name === 'input_ids') return { kind: 'json', json: JSON.stringify(exampleIds(model, input)) }
  return { kind: fillings[0] ?? 'json', json: '' }
}

/** Token ids to begin with: 1, 2, 3 …, in as many rows and columns as the model takes. */
export function exampleIds(
  { entries = 1000 }: ModelDescription,
  { dims = [] }: InputDescription,
  tokens = 8,
): number[][] {
  const [batch, length] = dims.map(dim => (typeof dim === 'number' ? dim : undefined))
  return Array.from({ length: batch ?? 1 }, () => Array.from({ length: length ?? tokens }, (_, i) => (i + 1) % entries))
}

/** Converts the form to the inputs of a run. @throws Error that says what is missing, and AnswerError */
export async function readForm(
  model: ModelDescription,
  client: Asker,
  { kind, text, fields, dims }: InputForm,
): Promise<Omit<RunInputs, 'number'>> {
  const others = otherInputs(model)
  const values: Record<string, InputValue> = Object.fromEntries(
    others.map(input => [input.name, sentValue(input.name, fields[input.name] ?? emptyField(model, input))]),
  )
  let rows: Token[][] | undefined
  if (model.ids !== undefined) {
    rows = await rowsOf(client, kind, text)
    values[model.ids] = kind === 'text' ? { text } : { json: rows.map(row => row.map(({ id }) => id)) }
  }
  const open = openDims(others.filter(({ name }) => 'generated' in values[name]))
  const sizes = Object.fromEntries(open.map(({ name, size }) => [name, dims[name] ?? size]))
  return { request: { inputs: values, dims: sizes }, rows }
}

async function rowsOf(client: Asker, kind: InputForm['kind'], text: string): Promise<Token[][]> {
  const ids = kind === 'ids' ? idsIn(text) : undefined
  const { tokens } = await client.ask<Tokens>('tokens', ids ? { ids: ids.flat() } : { text })
  if (tokens.length === 0) throw new Error('Type a text.')
  const length = ids?.[0].length ?? tokens.length
  return Array.from({ length: tokens.length / length }, (_, i) => tokens.slice(i * length, (i + 1) * length))
}

/** Converts a field to the value that is sent. @throws Error that says what is missing */
function sentValue(name: string, { kind, json, file }: Field): InputValue {
  if (kind === 'file') {
    if (!file) throw new Error(`Choose a file for ${name}.`)
    return { file: { name: file.name, base64: file.base64 } }
  }
  if (kind === 'text') return { text: json }
  if (kind !== 'json') return { generated: kind }
  try {
    return { json: JSON.parse(json) as unknown }
  } catch {
    throw new Error(`The value of ${name} is not valid JSON. Write nested lists: [[0.5, 1], [2, 3]].`)
  }
}

/** The name under which the size of an open dim is chosen: its own, or that of its input and axis. */
export const openDimName = (input: string, dim: string | null | undefined, axis: number): string =>
  dim ?? `${input}.${axis}`

/** The open dims of some inputs, each name once, with a default size. */
export function openDims(inputs: readonly InputDescription[]): { name: string; size: number }[] {
  const found = new Map<string, number>()
  for (const input of inputs) {
    const { name: own, dims = [], fillings } = input
    if (fillings.length === 0) continue
    dims.forEach((dim, axis) => {
      if (typeof dim === 'number') return
      // The size of a dim that is a sum follows from its terms.
      if (typeof dim === 'string' && /[+*/ ]|^total_/.test(dim)) return
      const name = openDimName(own, dim, axis)
      if (!found.has(name)) found.set(name, defaultSize(input, name, axis))
    })
  }
  return [...found].map(([name, size]) => ({ name, size }))
}

/** A size that most models accept: images of 64 × 64 pixels, sound of 512 samples. */
function defaultSize({ type, dims = [] }: InputDescription, name: string, axis: number): number {
  if (axis === 0 || /batch/i.test(name)) return 1
  // The state of a recurrent layer has the batch between its layers and its channels.
  if (axis === 1 && dims.length === 3 && typeof dims[0] === 'number' && typeof dims[2] === 'number') return 1
  if (!/float/.test(type)) return 16
  if (dims.length === 4 && axis >= 2) return 64
  return dims.length === 2 && axis === 1 ? 512 : 16
}

/** Reads rows of token ids: one row of numbers with spaces or commas between them, or nested lists. @throws Error for other texts */
export function idsIn(text: string): number[][] {
  const rows = text.split(/\]\s*,?\s*\[/).map(rowIn)
  if (rows.some(row => row.length !== rows[0].length))
    throw new Error('All rows of token ids must have the same length: [[18, 47], [56, 57]].')
  return rows
}

function rowIn(text: string): number[] {
  const parts = text.split(/[\s,;[\]]+/).filter(part => part !== '')
  const wrong = parts.find(part => !/^\d+$/.test(part))
  if (wrong !== undefined) throw new Error(`“${wrong}” is not a token id. Type whole numbers: 18, 47, 56.`)
  if (parts.length === 0) throw new Error('Type token ids: 18, 47, 56.')
  return parts.map(Number)
}

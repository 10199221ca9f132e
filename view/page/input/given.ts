import type { GivenValue, RunRequest, Token, Tokens, ViewedInput, ViewedModel } from '../../protocol/api.ts'
import type { Client } from '../client.ts'
import type { Field, Typed } from '../look/look.ts'

/** Inputs that runs are given from now on. */
export interface Given {
  readonly request: RunRequest
  /** Of a language model: rows of the batch. */
  readonly rows: readonly (readonly Token[])[] | undefined
  /** Counts up: other inputs, another number. */
  readonly number: number
}

/** Inputs that are filled in by hand: not the ids, and what follows from them. */
export const othersOf = ({ inputs, ids }: ViewedModel): ViewedInput[] =>
  inputs.filter(({ name, followsIds }) => name !== ids && !followsIds)

export const emptyField = ({ fillings }: ViewedInput): Field => ({ kind: fillings[0] ?? 'json', json: '' })

/** What is typed, as a run takes it. @throws Error with what is missing, AnswerError */
export async function givenOf(
  model: ViewedModel,
  client: Client,
  { kind, text, fields, dims }: Typed,
): Promise<Omit<Given, 'number'>> {
  const others = othersOf(model)
  const values: Record<string, GivenValue> = Object.fromEntries(
    others.map(input => [input.name, sentValue(input.name, fields[input.name] ?? emptyField(input))]),
  )
  let rows: Token[][] | undefined
  if (model.ids !== undefined) {
    rows = await rowsOf(client, kind, text)
    values[model.ids] = { json: rows.map(row => row.map(({ id }) => id)) }
  }
  const made = openDims(others.filter(({ name }) => 'made' in values[name]))
  const sizes = Object.fromEntries(made.map(({ name, size }) => [name, dims[name] ?? size]))
  return { request: { inputs: values, dims: sizes }, rows }
}

async function rowsOf(client: Client, kind: Typed['kind'], text: string): Promise<Token[][]> {
  const ids = kind === 'ids' ? idsIn(text) : undefined
  const { tokens } = await client.ask<Tokens>('tokens', ids ? { ids: ids.flat() } : { text })
  if (tokens.length === 0) throw new Error('Type a text.')
  const length = ids?.[0].length ?? tokens.length
  return Array.from({ length: tokens.length / length }, (_, i) => tokens.slice(i * length, (i + 1) * length))
}

/** What is sent of a field. @throws Error with what is missing */
function sentValue(name: string, { kind, json, file }: Field): GivenValue {
  if (kind === 'file') {
    if (!file) throw new Error(`Choose a file for ${name}.`)
    return { file }
  }
  if (kind !== 'json') return { made: kind }
  try {
    return { json: JSON.parse(json) as unknown }
  } catch {
    throw new Error(`The value of ${name} is no JSON. Write nested lists: [[0.5, 1], [2, 3]].`)
  }
}

/** Open dims of inputs, with a size that is usual: names once each. */
export function openDims(inputs: readonly ViewedInput[]): { name: string; size: number }[] {
  const found = new Map<string, number>()
  for (const input of inputs) {
    const { name: own, dims = [], fillings } = input
    if (fillings.length === 0) continue
    dims.forEach((dim, axis) => {
      if (typeof dim === 'number') return
      // Sums of other dims follow from those.
      if (typeof dim === 'string' && /[+*/ ]|^total_/.test(dim)) return
      const name = dim ?? `${own}.${axis}`
      if (!found.has(name)) found.set(name, usualSize(input, name, axis))
    })
  }
  return [...found].map(([name, size]) => ({ name, size }))
}

/** Sizes that most models of a kind take: images of 64 × 64, sound of 512 samples. */
function usualSize({ type, dims = [] }: ViewedInput, name: string, axis: number): number {
  if (axis === 0 || /batch/i.test(name)) return 1
  if (!/float/.test(type)) return 16
  if (dims.length === 4 && axis >= 2) return 64
  return dims.length === 2 && axis === 1 ? 512 : 16
}

/** Rows of ids out of what is typed: numbers with anything between them are one, nested lists are as many as they have. @throws Error */
export function idsIn(text: string): number[][] {
  const rows = text.split(/\]\s*,?\s*\[/).map(rowIn)
  if (rows.some(row => row.length !== rows[0].length))
    throw new Error('Rows of token ids must be of one length: [[18, 47], [56, 57]].')
  return rows
}

function rowIn(text: string): number[] {
  const parts = text.split(/[\s,;[\]]+/).filter(part => part !== '')
  const wrong = parts.find(part => !/^\d+$/.test(part))
  if (wrong !== undefined) throw new Error(`“${wrong}” is no token id. Type whole numbers: 18, 47, 56.`)
  if (parts.length === 0) throw new Error('Type token ids: 18, 47, 56.')
  return parts.map(Number)
}

export function readFile(file: File): Promise<{ name: string; base64: string }> {
  return new Promise((done, failed) => {
    const reader = new FileReader()
    reader.onload = () => done({ name: file.name, base64: String(reader.result).split(',')[1] ?? '' })
    reader.onerror = () => failed(reader.error ?? new Error(`${file.name} can't be read.`))
    reader.readAsDataURL(file)
  })
}

import type { Filling, GivenValue, ViewedInput } from '../../api.ts'

/** What a form holds for an input. */
export interface Field {
  readonly kind: Filling | 'json' | 'file'
  readonly json: string
  readonly file?: { readonly name: string; readonly base64: string }
}

export const emptyField = ({ fillings }: ViewedInput): Field => ({ kind: fillings[0] ?? 'json', json: '' })

/** What is sent of a field. @throws Error with what is missing */
export function givenOf(name: string, { kind, json, file }: Field): GivenValue {
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
  for (const { name: input, dims = [], fillings } of inputs) {
    if (fillings.length === 0) continue
    dims.forEach((dim, axis) => {
      if (typeof dim === 'number') return
      // Sums of other dims follow from those.
      if (typeof dim === 'string' && /[+*/ ]|^total_/.test(dim)) return
      const name = dim ?? `${input}.${axis}`
      if (!found.has(name)) found.set(name, axis === 0 || /batch/i.test(name) ? 1 : 16)
    })
  }
  return [...found].map(([name, size]) => ({ name, size }))
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

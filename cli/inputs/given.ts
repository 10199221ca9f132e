import { extname } from 'node:path'
import { UsageError } from '../shared/errors.ts'
import type { InputFlags } from './options.ts'

export type FileKind = 'npy' | 'json' | 'safetensors'

/** Where a value comes from. */
export type Source =
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: FileKind; readonly path: string }

/** What a command line says of the inputs. Nothing is opened yet. */
export interface GivenInputs {
  readonly all: Source | undefined
  /** By name; '' is the only input of a model that takes one. */
  readonly named: ReadonlyMap<string, Source>
}

const kinds: Readonly<Record<string, FileKind>> = { '.npy': 'npy', '.json': 'json', '.safetensors': 'safetensors' }

/** @throws UsageError for what is neither a file of a known kind nor JSON, and for names given twice */
export function givenInputs({ input = [], inputs }: InputFlags): GivenInputs {
  const named = new Map<string, Source>()
  for (const text of input) {
    const [name, value] = parted(text)
    if (named.has(name)) throw new UsageError(`The input ${name} is given twice.`, 'give each input once')
    named.set(name, sourceOf(value, `--input ${text}`))
  }
  const all = inputs === undefined ? undefined : sourceOf(inputs, `--inputs ${inputs}`)
  if (all?.kind === 'npy')
    throw new UsageError(
      `--inputs ${inputs}: a .npy file holds one array, without a name.`,
      'give it a name: --input name=file.npy',
    )
  return { all, named }
}

export const areGiven = ({ all, named }: GivenInputs): boolean => all !== undefined || named.size > 0

/** JSON has no name before it, and may hold an = in a text. */
function parted(text: string): [name: string, value: string] {
  const at = text.indexOf('=')
  return at <= 0 || /^\s*[[{"]/.test(text) ? ['', text] : [text.slice(0, at), text.slice(at + 1)]
}

function sourceOf(text: string, where: string): Source {
  const kind = kinds[extname(text).toLowerCase()]
  if (kind && !/^\s*[[{"]/.test(text)) return { kind, path: text }
  try {
    return { kind: 'value', value: JSON.parse(text) as unknown }
  } catch (error) {
    const looksLikeJson = /^\s*[[{"\d-]/.test(text)
    const reason = looksLikeJson ? `no JSON: ${(error as Error).message}` : 'neither a known kind of file nor JSON'
    throw new UsageError(
      `${where} is ${reason}.`,
      "give a .npy, .json or .safetensors file, or JSON in quotes: --input 'ids=[[1, 2, 3]]'",
    )
  }
}

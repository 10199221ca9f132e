import { extname } from 'node:path'
import { UsageError } from '../shared/errors.ts'
import type { InputFlags } from './options.ts'

export type FileKind = 'npy' | 'json' | 'safetensors'

/** Where an input comes from: the command line has its value, or the path of a file with it. */
export type Source =
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: FileKind; readonly path: string }

/** The inputs as the command line names them. No file is opened yet. */
export interface InputSources {
  /** The file with all inputs, from `--inputs`. */
  readonly all: Source | undefined
  /** The sources by the input's name; '' means the only input of a model that takes one. */
  readonly named: ReadonlyMap<string, Source>
}

const kinds: Readonly<Record<string, FileKind>> = { '.npy': 'npy', '.json': 'json', '.safetensors': 'safetensors' }

/** Reads `--input` and `--inputs`. @throws UsageError for a value that is neither a known kind of file nor JSON, and for a name that is used twice */
export function inputSources({ input = [], inputs }: InputFlags): InputSources {
  const named = new Map<string, Source>()
  for (const text of input) {
    const [name, value] = splitName(text)
    if (named.has(name)) throw new UsageError(`The input ${name} is passed twice.`, 'pass each input once')
    named.set(name, sourceOf(value, `--input ${text}`))
  }
  const all = inputs === undefined ? undefined : sourceOf(inputs, `--inputs ${inputs}`)
  if (all?.kind === 'npy')
    throw new UsageError(
      `--inputs ${inputs}: a .npy file holds one array, which has no name.`,
      'name the input: --input name=file.npy',
    )
  return { all, named }
}

export const hasSources = ({ all, named }: InputSources): boolean => all !== undefined || named.size > 0

/** Splits `name=value`. A text that begins like JSON has no name, though it may contain an =. */
function splitName(text: string): [name: string, value: string] {
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
    const reason = looksLikeJson
      ? `not valid JSON: ${(error as Error).message}`
      : 'neither a known kind of file nor JSON'
    throw new UsageError(
      `${where} is ${reason}.`,
      "pass a .npy, .json or .safetensors file, or JSON in quotes: --input 'ids=[[1, 2, 3]]'",
    )
  }
}

import { InvalidArgumentError } from 'commander'
import type { LoadOptions } from '../../runtime/index.ts'

/** Settings of one of the two models. */
export type Settings = Pick<LoadOptions, 'provider' | 'threads' | 'optimization' | 'runtime'>

const kinds: Readonly<Record<string, readonly string[] | 'count' | 'path'>> = {
  provider: ['cpu', 'cuda', 'wasm', 'webgpu'],
  optimization: ['disabled', 'basic', 'extended', 'all'],
  threads: 'count',
  runtime: 'path',
}

/** Parses one `--set-b name=value` and adds it to those before. */
export function setting(text: string, before: Settings = {}): Settings {
  const [, name, value] = /^(\w+)=(.+)$/s.exec(text) ?? []
  const kind = name === undefined ? undefined : kinds[name]
  if (kind === undefined) throw new InvalidArgumentError(`Pass one of ${Object.keys(kinds).join(', ')}: threads=1.`)
  if (name in before) throw new InvalidArgumentError(`${name} is passed twice.`)
  if (Array.isArray(kind) && !kind.includes(value))
    throw new InvalidArgumentError(`${name} is one of ${kind.join(', ')}.`)
  if (kind === 'count' && !/^[1-9]\d{0,3}$/.test(value))
    throw new InvalidArgumentError(`${name} is a whole number of 1 or more.`)
  return { ...before, [name]: kind === 'count' ? Number(value) : value }
}

import { nearestNames } from '../../errors/nearest-names.ts'
import { UnknownOptionError } from '../../errors/options.ts'
import { currentPosition } from '../current-position.ts'

/** Other libraries' spellings that mean the same, by ours. */
const SPELLINGS: Readonly<Record<string, readonly string[]>> = {
  keepdim: ['keepdims', 'keep_dims', 'keepDims', 'keepDim'],
  correction: ['ddof', 'unbiased'],
  type: ['dtype'],
  dims: ['shape', 'size'],
  ignoreIndex: ['ignore_index'],
}

/** Spellings of NumPy and PyTorch that are taken as they are, as their meaning is the same. */
const TAKEN: Readonly<Record<string, string>> = {
  keepdims: 'keepdim',
  dtype: 'type',
  shape: 'dims',
  ignore_index: 'ignoreIndex',
  ddof: 'correction',
}

/**
 * The options of a call under our names. One that the call does not have is refused, with the nearest that it has: `keepdims` and
 * `dtype`, which mean what ours mean, are taken.
 * @throws UnknownOptionError
 */
export function knownOptions<O extends object>(call: string, options: O | undefined, known: readonly string[]): O {
  if (options === undefined || options === null) return {} as O
  let renamed: Record<string, unknown> | undefined
  for (const name in options) {
    if (known.includes(name)) continue
    const own = TAKEN[name]
    if (own === undefined || !known.includes(own) || own in options)
      throw new UnknownOptionError(call, name, nearest(name, known), known, currentPosition())
    const { [name]: value, ...others } = renamed ?? (options as Record<string, unknown>)
    renamed = { ...others, [own]: value }
  }
  return (renamed ?? options) as O
}

/** The option that was meant: another library's name for it, its name in another case, or one a few letters off. */
function nearest(name: string, known: readonly string[]): string | undefined {
  const plain = (text: string): string => text.replaceAll('_', '').toLowerCase()
  const same = known.find(other => plain(other) === plain(name) || SPELLINGS[other]?.includes(name))
  if (same) return same
  return nearestNames(name, known, 1)[0]
}

import { nearestNames } from '../../errors/nearest-names.ts'
import { UnknownOptionError } from '../../errors/options.ts'
import { currentPosition } from '../current-position.ts'

/** For each option of onnsight, the names that other libraries have for it. */
const SPELLINGS: Readonly<Record<string, readonly string[]>> = {
  keepdim: ['keepdims', 'keep_dims', 'keepDims', 'keepDim'],
  correction: ['ddof', 'unbiased'],
  type: ['dtype'],
  dims: ['shape', 'size'],
  ignoreIndex: ['ignore_index'],
  numSequences: ['num_return_sequences', 'numReturnSequences', 'n'],
  maxNewTokens: ['max_tokens', 'maxTokens', 'max_length', 'maxLength'],
  stopStrings: ['stop'],
}

/** Names from NumPy and PyTorch that are accepted, because they mean the same as onnsight's. */
const TAKEN: Readonly<Record<string, string>> = {
  keepdims: 'keepdim',
  dtype: 'type',
  shape: 'dims',
  ignore_index: 'ignoreIndex',
  ddof: 'correction',
}

/**
 * Returns the options of a call under onnsight's names. `keepdims` and `dtype` are accepted as `keepdim` and `type`. For any other unknown
 * option, the error names the nearest option that the call has.
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

/** Guesses which option was meant: the name may come from another library, have another case, be a part of the option's name, or be a few letters off. */
function nearest(name: string, known: readonly string[]): string | undefined {
  const plain = (text: string): string => text.replaceAll('_', '').toLowerCase()
  const same = known.find(other => plain(other) === plain(name) || SPELLINGS[other]?.includes(name))
  if (same) return same
  // The end of one name is enough, as `beams` for `numBeams`; an end that several names share, as `penalty`, suggests none of them.
  const ending = known.filter(other => plain(other).endsWith(plain(name)))
  if (ending.length === 1) return ending[0]
  return nearestNames(name, known, 1)[0]
}

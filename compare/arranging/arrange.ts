import { CompareInputsError } from '../../runtime/errors/compare.ts'
import { InputError } from '../../runtime/errors/input.ts'
import { idsOf } from '../../runtime/language-inputs/ids-and-logits.ts'
import { PAST } from '../../runtime/language-inputs/roles.ts'
import type { LoadedModel } from '../../runtime/model/loaded/loaded-model.ts'
import type { Model, ModelHandle } from '../../runtime/model/model.ts'
import { handleOf } from '../../runtime/model/modules/module.ts'
import { tensor } from '../../runtime/tensor/creation/creation.ts'
import type { HeldType } from '../../runtime/tensor/dtypes/dtype.ts'
import { cat } from '../../runtime/tensor/functions.ts'
import type { Tensor } from '../../runtime/tensor/tensor.ts'
import { asTraceable } from '../../runtime/tracing/traceable.ts'
import type { InputPair } from '../inputs.ts'
import { type NamedInputs, prepared } from '../side.ts'
import { type Arrangement, asItIs } from './arrangement.ts'

/** The ways in which the second model can get the inputs that the first one gets one by one. */
export const ways = ['batch', 'padded', 'cached'] as const

/** A way in which the second model gets the inputs: as a row of a batch, as a padded row, or with the first half of the tokens in its cache. */
export type Way = (typeof ways)[number]

/** The rows of a batch, and the number of tokens that a row is padded with. */
const ROWS = 3
const PADDING = 3

/** Gives B's inputs another arrangement. @throws CompareInputsError if the model can't run on it */
export async function arranged(
  pair: InputPair,
  others: readonly InputPair[],
  a: Model,
  b: Model,
  way: Way,
): Promise<InputPair> {
  try {
    const { inputs, arrangement } = await arrange[way](pair, others, a, b)
    return { ...pair, b: prepared(b, inputs), arrangement }
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    throw new CompareInputsError(
      `The model can’t run ${described[way]}: ${error.message.split('\n')[0]}`,
      'compare in another way, or export the model so that it takes such inputs',
      error,
    )
  }
}

const described: Readonly<Record<Way, string>> = {
  batch: 'on a batch',
  padded: 'on padded rows',
  cached: 'with a cache',
}

type Arranged = Promise<{ readonly inputs: Readonly<Record<string, unknown>>; readonly arrangement: Arrangement }>
type Arrange = (pair: InputPair, others: readonly InputPair[], a: Model, b: Model) => Arranged

const arrange: Readonly<Record<Way, Arrange>> = {
  async batch(pair, others, _, b) {
    const inputs = pair.b
    const same = others.filter(other => other !== pair && dimsOf(other.b) === dimsOf(inputs)).map(other => other.b)
    const beside = same.length > 0 ? same : [reversed(b, inputs)]
    const rows = [inputs, ...Array.from({ length: ROWS - 1 }, (_, i) => beside[i % beside.length])]
    const names = Object.keys(inputs).filter(name => inputs[name].dims.length > 0)
    const entries = await Promise.all(
      names.map(async name => [name, await cat(rows.map(row => row[name])).value()] as const),
    )
    return { inputs: { ...inputs, ...Object.fromEntries(entries) }, arrangement: { ...asItIs, rows: ROWS } }
  },
  async padded(pair, _, __, b) {
    const { name, row } = tokensOf(b, pair)
    const longer = [...row, ...row, ...row].slice(0, row.length + PADDING)
    const { paddingSide } = asTraceable(b, 'compare').identity as LoadedModel
    return {
      inputs: { ...withoutTokens(b, pair.b), [name]: [row, longer] },
      arrangement: { ...asItIs, rows: 2, padding: longer.length - row.length, side: paddingSide },
    }
  },
  async cached(pair, _, a, b) {
    const { name, row } = tokensOf(b, pair)
    const caches = b.signature.inputs.filter(input => PAST.test(input.name) && !/encoder/.test(input.name))
    if (caches.length === 0 || row.length < 2)
      throw new CompareInputsError(
        caches.length === 0
          ? 'The model takes no cache, so it can’t be compared with a cache and without one.'
          : 'An input of one token has nothing that could be in a cache.',
        'give a model with past_key_values, and inputs of two tokens or more',
      )
    const past = Math.floor(row.length / 2)
    const present = new Map(
      caches.map(cache => {
        const rest = cache.name.replace(PAST, '')
        const found = a.signature.outputs.find(output => /^present/.test(output.name) && output.name.endsWith(rest))
        if (!found)
          throw new CompareInputsError(
            `The model has no output for its cache ${cache.name}.`,
            'export it with the outputs present.*',
          )
        return [cache.name, found.name] as const
      }),
    )
    const first = prepared(a, { ...withoutTokens(a, pair.a), [idsOf(a.signature)!]: [row.slice(0, past)] })
    const handle = handleOf(a) as ModelHandle
    const kept = await a.trace(first, () =>
      Object.fromEntries([...present].map(([input, output]) => [input, handle.declaredOutput(output)])),
    )
    return {
      inputs: { ...withoutTokens(b, pair.b), ...kept, [name]: [row.slice(past)] },
      arrangement: { ...asItIs, past },
    }
  },
}

/** The input with its token ids in reverse order, so that the rows of a batch differ. */
function reversed(model: Model, inputs: NamedInputs): NamedInputs {
  const name = idsOf(model.signature)
  const ids = name === undefined ? undefined : inputs[name]
  if (name === undefined || ids?.dims.length !== 2) return inputs
  const rows = ids.tolist() as number[][]
  return {
    ...inputs,
    [name]: tensor(
      rows.map(row => row.toReversed()),
      { type: ids.type as HeldType },
    ),
  }
}

const dimsOf = (inputs: NamedInputs): string => JSON.stringify(Object.values(inputs).map(({ dims }) => dims))

/** The token ids of an input of one row. @throws CompareInputsError */
function tokensOf(model: Model, { b }: InputPair): { readonly name: string; readonly row: readonly number[] } {
  const name = idsOf(model.signature)
  const ids = name === undefined ? undefined : b[name]
  if (name === undefined || ids?.dims.length !== 2 || ids.dims[0] !== 1)
    throw new CompareInputsError(
      'Only an input with one row of token ids can be padded, or have tokens in a cache.',
      'give inputs of one row each, of a model that takes token ids',
    )
  return { name, row: ((ids as Tensor).tolist() as (number | bigint)[][])[0].map(Number) }
}

/** The inputs that do not follow from the token ids: the others are filled in again. */
function withoutTokens(model: Model, inputs: NamedInputs): NamedInputs {
  const own = model.signature.inputs.filter(({ optional }) => !optional).map(({ name }) => name)
  return Object.fromEntries(Object.entries(inputs).filter(([name]) => own.includes(name)))
}

import { CompareInputsError } from '../runtime/errors/compare.ts'
import { OnnsightError } from '../runtime/errors/error.ts'
import { InputError } from '../runtime/errors/input.ts'
import type { Language } from '../runtime/language-inputs/language.ts'
import { isChat } from '../runtime/language-inputs/prompt.ts'
import type { Inputs } from '../runtime/model/loaded/inputs.ts'
import type { LoadedModel } from '../runtime/model/loaded/loaded-model.ts'
import type { Model } from '../runtime/model/model.ts'
import { type DataType, isHeld } from '../runtime/tensor/dtypes/dtype.ts'
import { Tensor } from '../runtime/tensor/tensor.ts'
import { asTraceable } from '../runtime/tracing/traceable.ts'
import { type Arrangement, asItIs } from './arranging/arrangement.ts'
import { type NamedInputs, prepared } from './side.ts'

/** One input, in the form that each of the two models takes. */
export interface InputPair {
  /** The input's name in results: its text, its file, or its number. */
  readonly label: string
  readonly a: NamedInputs
  readonly b: NamedInputs
  /** How the inputs of B differ from those of A. */
  readonly arrangement: Arrangement
}

/** An input with a name of its own. */
export interface LabelledInput {
  readonly label: string
  readonly inputs: Inputs
}

/** The inputs on which `compare()` runs the models: those of one run, or a list of them. The prompts of a list run one by one. */
export type ComparedInputs = Inputs | readonly Inputs[]

/** Returns the inputs of each run, with a label. */
export function separate(inputs: ComparedInputs): LabelledInput[] {
  if (!Array.isArray(inputs) || isChat(inputs)) return [{ label: labelOf(inputs, 0), inputs: inputs as Inputs }]
  const isIds = (row: unknown): boolean => Array.isArray(row) && row.every(id => typeof id === 'number')
  return (inputs as readonly Inputs[]).map((one, i) => ({
    label: labelOf(one, i),
    inputs: (isIds(one) ? [one] : one) as Inputs,
  }))
}

const labelOf = (input: unknown, index: number): string => (typeof input === 'string' ? input : `input ${index}`)

/**
 * Prepares an input for both models. The second gets the same tensors, cast to the dtypes that it declares, without those that it does not take.
 * @throws CompareInputsError, InputError
 */
export async function inputPair(a: Model, b: Model, { label, inputs }: LabelledInput): Promise<InputPair> {
  const ours = prepared(a, inputs)
  const declared = new Map(b.signature.inputs.map(input => [input.name, input]))
  const known = new Set(a.signature.inputs.filter(({ optional }) => optional).map(({ name }) => name))
  // What was filled in for the first model may be missing in the second; what the user gave may not.
  const own = new Set(isNamed(inputs) ? Object.keys(inputs) : [])
  const surplus = Object.keys(ours).filter(name => !declared.has(name) && (own.has(name) || !known.has(name)))
  if (surplus.length > 0)
    throw new CompareInputsError(
      `The second model has no input ${surplus.join(', ')}; it takes ${[...declared.keys()].join(', ') || 'none'}.`,
      'compare models that take the same inputs by the same names; rename one of them: its graph’s inputs, and what reads them',
    )
  const given = Object.entries(ours).filter(
    ([name]) => declared.has(name) && (own.has(name) || !declared.get(name)!.optional),
  )
  const theirs: Record<string, Tensor> = {}
  for (const [name, tensor] of given) {
    const { type } = declared.get(name)!
    const isCast = type !== tensor.type && type !== 'string' && isHeld(type as DataType)
    theirs[name] = isCast ? await tensor.to(type as DataType).value() : tensor
  }
  try {
    return { label, a: ours, b: prepared(b, theirs), arrangement: asItIs }
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    throw new CompareInputsError(
      `The second model can’t run on the first one’s inputs: ${error.message.split('\n')[0]}`,
      'compare models that take the same inputs, of the same dims',
      error,
    )
  }
}

const isNamed = (inputs: Inputs): inputs is Readonly<Record<string, never>> =>
  typeof inputs === 'object' && !Array.isArray(inputs) && !ArrayBuffer.isView(inputs) && !(inputs instanceof Tensor)

/** Texts with many kinds of words, for models with a tokenizer. */
const TEXTS = [
  'The sun had set behind the hills, and the road was dark when they came to the old house.',
  'What is the use of a book, thought the child, without pictures or conversations in it?',
  'In the year 1849 the river rose by three metres, and 27 houses near the bridge were lost.',
  'She opened the letter, read it twice, and then said nothing for a very long time.',
  'My lord, I pray you tell the king that we shall come to him before the morning light.',
  'A good answer names what happened, where it happened, and what to do about it next.',
  'Winter came early to the north; the lake froze, and the ships could not leave the harbour.',
  'He took the bread, the knife and two apples, gave one to his brother, and went to work.',
]

/** How many inputs there are if the user gives none, and how many tokens each has at most. */
const MADE_UP = { count: 8, tokens: 24 } as const

/** If a tokenizer can encode fewer texts than this, it is for another language, or not for a language at all. Then random ids are used. */
const LEAST_TEXTS = 4

/** The ids of the texts, without those that the tokenizer can't encode. */
function encoded({ tokenizer }: Language): number[][] {
  return TEXTS.flatMap(text => {
    try {
      return [Array.from(tokenizer.encode(text).ids, Number)]
    } catch (error) {
      if (error instanceof OnnsightError) return []
      throw error
    }
  })
}

/** @throws CompareInputsError if both models have tokenizers, and these give different ids for a text */
export function assertSameTokenizer(a: Model, b: Model): void {
  const [one, other] = [a, b].map(model => (asTraceable(model, 'compare').identity as LoadedModel).language)
  if (!one || !other || JSON.stringify(encoded(one)) === JSON.stringify(encoded(other))) return
  throw new CompareInputsError(
    'The tokenizers of the two models give different ids for the same text.',
    'compare two builds of one model, or open the second one without its tokenizer: load(path)',
  )
}

/** Inputs for a comparison if the user gives none: texts if the model has a tokenizer, otherwise random ids or numbers, always the same. */
export async function madeUpInputs(model: Model): Promise<LabelledInput[]> {
  const traced = asTraceable(model, 'compare')
  const { language, limits } = traced.identity as LoadedModel
  const ids = model.signature.inputs.find(({ name, dims }) => /^(decoder_)?input_ids$/.test(name) && dims?.length === 2)
  const most = Math.min(MADE_UP.tokens, ...limits.filter(({ kind }) => kind !== 'token').map(({ rows }) => rows))
  const texts = ids && language ? encoded(language) : []
  if (ids && language && texts.length >= LEAST_TEXTS) {
    // All inputs have the same length, so that all can use the same plans.
    const length = Math.min(most, ...texts.map(tokens => tokens.length))
    return texts.map(tokens => {
      const some = tokens.slice(0, length)
      return { label: language.decode(some, true), inputs: { [ids.name]: [some] } }
    })
  }
  const rows = limits.find(({ input, kind }) => kind === 'token' && input === ids?.name)?.rows ?? 100
  const random = await randomNumbers()
  const made: LabelledInput[] = []
  for (let i = 0; i < MADE_UP.count; i++) {
    const named: Record<string, Tensor> = {}
    for (const input of model.signature.inputs) {
      if (input.optional) continue
      const dims = (input.dims ?? []).map((dim, axis) =>
        typeof dim === 'number' && dim > 0 ? dim : axis === 0 ? 1 : input === ids ? most : 16,
      )
      const size = dims.reduce((product, dim) => product * dim, 1)
      const whole = input === ids ? rows : /mask|bool/i.test(`${input.name} ${input.type}`) ? 1 : 2
      const isWhole = /int|bool/.test(input.type)
      const values = Array.from({ length: size }, () =>
        isWhole ? (whole === 1 ? 1 : Math.floor(random() * whole)) : random() * 2 - 1,
      )
      const data = Float32Array.from(values)
      named[input.name] = await Tensor.of({ type: 'float32', dims, data })
        .to(input.type as DataType)
        .value()
    }
    made.push({ label: `random ${i}`, inputs: named })
  }
  return made
}

/** A function that returns random numbers from 0 to 1, always the same ones. */
async function randomNumbers(): Promise<() => number> {
  const { xoroshiro128plus } = await import('pure-rand/generator/xoroshiro128plus')
  const random = xoroshiro128plus(1)
  return () => (random.next() >>> 0) / 2 ** 32
}

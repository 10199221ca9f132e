import { ArgumentError } from '../runtime/errors/tensor.ts'
import type { Model } from '../runtime/model/model.ts'
import { asTraceable } from '../runtime/tracing/traceable.ts'
import { arranged, type Way } from './arranging/arrange.ts'
import {
  assertSameTokenizer,
  type ComparedInputs,
  type InputPair,
  inputPair,
  type LabelledInput,
  madeUpInputs,
  separate,
} from './inputs.ts'
import { type OutputMetric, outputMetric } from './measuring/output-error.ts'
import { type Pairing, pairModels } from './pairing/pairing.ts'
import { type Side, sideOf } from './side.ts'

/** The two models for inputs of these dims: their sides, what corresponds in them, and how their outputs are compared. */
export interface SetUp {
  readonly sides: { readonly a: Side; readonly b: Side }
  readonly pairing: Pairing
  readonly metric: OutputMetric
}

async function setUp(a: Model, b: Model, pair: InputPair, inside: string | undefined): Promise<SetUp> {
  const sides = { a: await sideOf(a, pair.a), b: await sideOf(b, pair.b) }
  // First, because models of other outputs have no partners either.
  const metric = outputMetric(sides.a, sides.b, pair.arrangement)
  return { sides, metric, pairing: await pairModels(sides.a, sides.b, pair, inside) }
}

/** The inputs of all runs, and the set-up for each. */
export interface Runs {
  readonly pairs: readonly InputPair[]
  /** Inputs of equal dims have one set-up: the dims of all values follow from theirs. */
  readonly setUpFor: (pair: InputPair) => Promise<SetUp>
  /** Releases the sessions that the runs needed. */
  readonly end: () => Promise<void>
}

interface Options {
  readonly labels?: readonly string[] | undefined
  readonly inside?: string | undefined
  readonly way?: Way | undefined
}

/** Prepares the inputs for both models; those that compare() makes up if there are none. @throws CompareInputsError, CompareOutputsError, CompareUnrelatedError */
export async function prepareRuns(
  a: Model,
  b: Model,
  inputs: ComparedInputs | null | undefined,
  { labels, inside, way }: Options = {},
): Promise<Runs> {
  asTraceable(a, 'compare')
  asTraceable(b, 'compare')
  assertSameTokenizer(a, b)
  const listed = inputs === undefined || inputs === null ? await madeUpInputs(a) : separate(inputs)
  if (listed.length === 0)
    throw new ArgumentError(
      'compare: the list of inputs is empty.',
      undefined,
      'give at least one input, or leave it out',
    )
  const each = listed.map(({ label, inputs }, i): LabelledInput => ({ label: labels?.[i] ?? label, inputs }))
  const plain = await Promise.all(each.map(input => inputPair(a, b, input)))
  const pairs = way === undefined ? plain : await Promise.all(plain.map(pair => arranged(pair, plain, a, b, way)))
  const setUps = new Map<string, Promise<SetUp>>()
  const setUpFor = (pair: InputPair): Promise<SetUp> => {
    const key = JSON.stringify([pair.a, pair.b].map(one => Object.values(one).map(({ dims }) => dims)))
    const known = setUps.get(key) ?? started(pair)
    setUps.set(key, known)
    return known
  }
  const ends: (() => Promise<void>)[] = []
  const started = async (pair: InputPair): Promise<SetUp> => {
    const found = await setUp(a, b, pair, inside)
    for (const { engine } of Object.values(found.sides)) ends.push(await engine.saveMemory())
    return found
  }
  const end = async (): Promise<void> => {
    for (const one of ends.splice(0)) await one()
  }
  return { pairs, setUpFor, end }
}

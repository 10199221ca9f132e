import { CompareUnrelatedError } from '../runtime/errors/compare.ts'
import { ArgumentError } from '../runtime/errors/tensor.ts'
import type { Model } from '../runtime/model/model.ts'
import { knownOptions } from '../runtime/tensor/arguments/known-options.ts'
import { asTraceable } from '../runtime/tracing/traceable.ts'
import { Comparison } from './comparison.ts'
import { type ComparedInputs, type InputPair, inputPair, type LabelledInput, madeUpInputs, separate } from './inputs.ts'
import { type Measured, measureInput } from './measuring/measure-input.ts'
import { type OutputMetric, outputMetric } from './measuring/output-error.ts'
import { weightDims } from './pairing/operators.ts'
import { type Pairing, pairModels } from './pairing/pairing.ts'
import { assemble } from './report/assemble.ts'
import { type Side, sideOf } from './side.ts'

/** Options of `compare()`. */
export interface CompareOptions {
  /** Names of the inputs in the results. @default the texts themselves; for other inputs, `input` and a number */
  readonly labels?: readonly string[]
  /** The path of a module of A: inside it, blame goes to nodes. */
  readonly inside?: string
  /** Called after each input with the number of inputs that are done, and of all inputs. */
  readonly onProgress?: (done: number, total: number) => void
}

/**
 * Finds where the second of two models differs from the first, and which module causes it: both run on the same inputs, their modules are
 * paired, and the error of each module is written into the first model, to see which share of the second model's error it causes.
 *
 * Without inputs it uses its own, which are always the same: texts for a model with a tokenizer, otherwise random ids or numbers.
 *
 * @throws CompareInputsError, CompareOutputsError, CompareUnrelatedError, CompareNanError; InputError
 * @example
 * const found = await compare(await load('model.onnx'), await load('model_int8.onnx'))
 * console.log(found)
 */
export async function compare(
  a: Model,
  b: Model,
  inputs?: ComparedInputs | null,
  options: CompareOptions = {},
): Promise<Comparison> {
  asTraceable(a, 'compare')
  asTraceable(b, 'compare')
  const { labels, inside, onProgress } = knownOptions('compare()', options, ['labels', 'inside', 'onProgress'])
  const listed = inputs === undefined || inputs === null ? await madeUpInputs(a) : separate(inputs)
  if (listed.length === 0)
    throw new ArgumentError(
      'compare: the list of inputs is empty.',
      undefined,
      'give at least one input, or leave it out',
    )
  const each = listed.map(({ label, inputs }, i): LabelledInput => ({ label: labels?.[i] ?? label, inputs }))
  const measured: Measured[] = []
  let pairing: Pairing | undefined
  let metric: OutputMetric | undefined
  let sides: Awaited<ReturnType<typeof sidesOf>> | undefined
  for (const input of each) {
    const pair = await inputPair(a, b, input)
    sides = await sidesOf(a, b, pair)
    metric = outputMetric(sides.a, sides.b)
    pairing = await pairModels(sides.a, sides.b, pair, inside)
    measured.push(await measureInput(sides.a, sides.b, pairing, pair, metric))
    if (measured.length === 1) assertRelated(sides.a, pairing, measured[0])
    onProgress?.(measured.length, each.length)
  }
  return new Comparison(assemble({ ...sides!, pairing: pairing!, metric: metric!.name, measured }))
}

/** If the cosine of two outputs is below this, the module of B computes something else than the module of A. */
const UNLIKE = 0.3

/** @throws CompareUnrelatedError if most of B's modules with a matrix compute something else than A's, on A's own values */
function assertRelated({ graph }: Side, { values }: Pairing, { values: differences }: Measured): void {
  const leaves = values.filter(({ owner }) => (weightDims(owner, graph)?.length ?? 0) > 1)
  const unlike = leaves.filter(({ a }) => Math.abs(differences.get(a)!.made.cosine) < UNLIKE)
  if (leaves.length < 4 || unlike.length < 0.8 * leaves.length) return
  throw new CompareUnrelatedError(
    `${unlike.length} of the ${leaves.length} matrices of the second model compute something else on the first one’s values: they are not the same model.`,
    'compare two builds of one model; a model with random weights has never been loaded with the right ones',
  )
}

const sidesOf = async (a: Model, b: Model, pair: InputPair) => ({
  a: await sideOf(a, pair.a),
  b: await sideOf(b, pair.b),
})

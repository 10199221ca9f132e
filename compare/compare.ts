import { CompareUnrelatedError } from '../runtime/errors/compare.ts'
import { ArgumentError } from '../runtime/errors/tensor.ts'
import type { Model } from '../runtime/model/model.ts'
import { knownOptions } from '../runtime/tensor/arguments/known-options.ts'
import { type Way, ways } from './arranging/arrange.ts'
import { Comparison } from './comparison.ts'
import type { ComparedInputs, InputPair } from './inputs.ts'
import { jointEffects } from './measuring/joint-effects.ts'
import { errorsWithout } from './measuring/kept-float.ts'
import { inputsAtOnce, type Measured, measureInputs } from './measuring/measure-inputs.ts'
import { WorthRunning } from './measuring/worth-running.ts'
import { keepable } from './mixing/keepable.ts'
import { weightDims } from './pairing/operators.ts'
import type { Pairing } from './pairing/pairing.ts'
import { prepareRuns, type Runs } from './prepare-runs.ts'
import { assemble, powerOf } from './report/assemble.ts'
import type { ComparisonData } from './report/data.ts'
import { interactionsOf, partOf } from './report/interactions.ts'
import { keepSteps } from './report/keep-steps.ts'
import type { Side } from './side.ts'

/** Options of `compare()`. */
export interface CompareOptions {
  /** Names of the inputs in the results. @default the texts themselves; for other inputs, `input` and a number */
  readonly labels?: readonly string[]
  /** What the two models are called in the results, such as their settings if they are of one file. @default their files */
  readonly names?: { readonly a?: string; readonly b?: string }
  /** The path of a module of A: inside it, blame goes to nodes. */
  readonly inside?: string
  /**
   * How many modules to leave in float at most: the guiltiest ones that have weights, one after the other. `found.keepFloat` then says what each
   * step costs and gains. @default 0
   */
  readonly keepFloat?: number
  /**
   * Between how many modules, the guiltiest ones, interactions are measured: what the errors of two of them make beyond the sum of what each
   * makes alone. `found.interactions` has one for each pair. @default 0
   */
  readonly interactions?: number
  /**
   * How B gets the inputs, if not as A does: each as a row of a `batch`, as a `padded` row beside a longer one, or with the first half of its
   * tokens in the cache, `cached`. For a model that is compared with itself: `compare(model, model, inputs, { way: 'batch' })`.
   */
  readonly way?: Way
  /** Called after inputs that ran together, with the number of inputs that are done, and of all inputs. */
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
  const {
    labels,
    inside,
    keepFloat = 0,
    interactions = 0,
    way,
    names,
    onProgress,
  } = knownOptions('compare()', options, [
    'labels',
    'names',
    'inside',
    'keepFloat',
    'interactions',
    'way',
    'onProgress',
  ])
  for (const [name, count] of Object.entries({ keepFloat, interactions }))
    if (!Number.isSafeInteger(count) || count < 0)
      throw new ArgumentError(`compare: ${name} is ${count}.`, undefined, 'give a whole number of modules')
  if (way !== undefined && !ways.includes(way))
    throw new ArgumentError(`compare: way is ${JSON.stringify(way)}.`, undefined, `give one of ${ways.join(', ')}`)
  if (way !== undefined && keepFloat > 0)
    throw new ArgumentError(
      'compare: keepFloat and way can’t be used together.',
      undefined,
      'leave one of them out: a way of running has nothing that could be left in float',
    )
  const runs = await prepareRuns(a, b, inputs, { labels, inside, way })
  const models = { a: names?.a ?? a.name, b: names?.b ?? (way === undefined ? b.name : `${b.name} (${way})`) }
  try {
    return new Comparison(await measure(runs, models, { keepFloat, interactions, onProgress }))
  } finally {
    await runs.end()
  }
}

interface Wanted {
  readonly keepFloat: number
  readonly interactions: number
  readonly onProgress: CompareOptions['onProgress']
}

/** Runs everything, and puts the numbers together. */
async function measure(
  { pairs, setUpFor }: Runs,
  models: ComparisonData['models'],
  { keepFloat, interactions, onProgress }: Wanted,
): Promise<Omit<ComparisonData, 'version' | 'advice'>> {
  const measured: Measured[] = []
  let worth: WorthRunning | undefined
  while (measured.length < pairs.length) {
    const setUp = await setUpFor(pairs[measured.length])
    const { sides, pairing, metric } = setUp
    // Interactions are measured on all inputs, and so are the effects that they are compared with.
    worth ??= new WorthRunning(interactions > 0 ? Number.POSITIVE_INFINITY : pairs.length, powerOf(metric.name))
    const some: InputPair[] = []
    const most = inputsAtOnce(sides.a, pairing, pairs[measured.length])
    for (const pair of pairs.slice(measured.length, measured.length + most)) {
      if ((await setUpFor(pair)) !== setUp) break
      some.push(pair)
    }
    const isFirst = measured.length === 0
    measured.push(...(await measureInputs(sides.a, sides.b, pairing, some, metric, worth)))
    if (isFirst) assertRelated(sides.a, pairing, measured[0])
    onProgress?.(measured.length, pairs.length)
  }
  const { sides, pairing, metric } = await setUpFor(pairs.at(-1)!)
  const data = assemble({ ...sides, models, pairing, metric: metric.name, measured })
  const kept = keepable(sides, pairing, data.blame).slice(0, keepFloat)
  const names = kept.map(({ module }) => module)
  const parts = data.blame
    .filter(({ effect }) => effect !== 0)
    .slice(0, interactions)
    .map(partOf)
  const [curves, joint]: [number[][], number[][]] = [[], []]
  for (const pair of pairs) {
    const { sides, pairing, metric } = await setUpFor(pair)
    if (kept.length > 0) curves.push(await errorsWithout(sides.a, sides.b, pairing, pair, metric, names))
    if (parts.length > 1) joint.push(await jointEffects(sides.a, sides.b, pairing, pair, metric, parts))
  }
  return {
    ...data,
    keepFloat: kept.length > 0 ? keepSteps(kept, curves) : [],
    interactions: parts.length > 1 ? interactionsOf(measured, parts, joint, powerOf(metric.name)) : [],
  }
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

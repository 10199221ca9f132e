import { ArgumentError } from '../runtime/errors/tensor.ts'
import type { Inputs } from '../runtime/model/loaded/inputs.ts'
import type { Model } from '../runtime/model/model.ts'
import { knownOptions } from '../runtime/tensor/arguments/known-options.ts'
import { tensor } from '../runtime/tensor/functions.ts'
import type { Tensor } from '../runtime/tensor/tensor.ts'
import { TRACE_OPTIONS, type TraceOptions } from '../runtime/tracing/tracer.ts'
import { applied, type LinearMap, ridge } from './math/ridge.ts'
import { promptStates, type ReadAt } from './model/prompt-states.ts'
import { StudiedModel } from './model/studied-model.ts'
import { type Chart, lines } from './pictures/chart.ts'
import { type LabelledAxis, labelled } from './results/axes.ts'
import { StudyResult } from './results/result.ts'
import { short, type Table } from './results/table.ts'
import type { OnProgress } from './sweeps/sweep.ts'

/** Options of `linearProbe()`. */
export interface ProbeOptions extends TraceOptions {
  /** The property of each prompt: a class as text, or a number. */
  readonly labels: readonly string[] | readonly number[]
  /** Where a prompt's state is read: at its last token, or as the mean over all its tokens. @default 'last' */
  readonly position?: ReadAt
  /** The layers after which probes are fitted, from 0. @default all */
  readonly layers?: readonly number[]
  /** The strength of the ridge penalty on the weights. @default 1 */
  readonly ridge?: number
  /** The number of parts that are held out in turn: prompt i is in part i modulo it. @default 5, or the number of prompts if that is smaller */
  readonly folds?: number
  /** Is called after each prompt, with the seconds that the other prompts will take: `progressLine()`, or a function of your own. */
  readonly onProgress?: OnProgress
}

/**
 * Linear probes show whether a linear map can read a property of a prompt off the residual stream, and from which layer on. A probe is fitted
 * in closed form (ridge regression, with one column for each class) on all prompts except some, and tested on these, in turn
 * (cross-validation). For classes, the score is the share of right answers; for numbers, it is R², the share of the variance that is explained.
 *
 * Sources: Alain and Bengio 2016, "Understanding intermediate layers using linear classifier probes" (arXiv:1610.01644); Hoerl and Kennard
 * 1970 for ridge regression. A probe shows that something can be read, not that the model uses it: `ablate` and `steeringVector` test that.
 *
 * @throws StudyError if there are not as many labels as prompts; MissingPackageError without ml-matrix; InputError, ArgumentError
 * @example console.log(await linearProbe(model, prompts, { labels: ['question', 'answer', …] }))
 */
export async function linearProbe(model: Model, prompts: Inputs, options: ProbeOptions): Promise<LinearProbe> {
  const {
    labels,
    position = 'last',
    layers: chosen,
    ridge: strength = 1,
    folds,
    onProgress,
    ...rest
  } = knownOptions('linearProbe()', options, [
    'labels',
    'position',
    'layers',
    'ridge',
    'folds',
    'onProgress',
    ...TRACE_OPTIONS,
  ])
  if (!(strength > 0)) throw new ArgumentError(`linearProbe: ridge is ${strength}.`, undefined, 'give a number above 0')
  const studied = new StudiedModel('linearProbe', model, undefined)
  const promptRows = await studied.prompts(prompts)
  const count = promptRows.ids.length
  if (labels.length !== count)
    throw studied.error(`there are ${count} prompts and ${labels.length} labels.`, 'give one label for each prompt')
  const parts = folds ?? Math.min(5, count)
  if (!Number.isSafeInteger(parts) || parts < 2 || parts > count)
    throw studied.error(
      `${count} prompts can't be held out in ${parts} parts.`,
      `give more prompts, or folds from 2 to ${count}`,
    )
  const isClass = typeof labels[0] === 'string'
  const classes = isClass ? [...new Set(labels as readonly string[])] : undefined
  if (classes?.length === 1)
    throw studied.error(`all prompts are ${JSON.stringify(classes[0])}.`, 'give prompts of two classes at least')
  const targets = labels.map(label => classes?.map(one => Number(one === label)) ?? [Number(label)])
  const layers = studied.layersOf(chosen, (await studied.sizes(promptRows)).layers)
  const states = await promptStates(studied, promptRows, layers, position, rest, onProgress)
  const fitted = states.map(async state => {
    const inputs = state.tolist() as number[][]
    const score = await crossValidated(inputs, targets, parts, strength, classes !== undefined)
    return { score, map: await ridge(inputs, targets, strength) }
  })
  return new LinearProbe(layers, await Promise.all(fitted), classes, labels)
}

/** The score on the prompts that were held out when the probe was fitted. */
async function crossValidated(
  inputs: readonly (readonly number[])[],
  targets: readonly (readonly number[])[],
  parts: number,
  strength: number,
  isClass: boolean,
): Promise<number> {
  const predicted: number[][] = []
  for (let part = 0; part < parts; part++) {
    const others = inputs.flatMap((_, i) => (i % parts === part ? [] : [i]))
    const map = await ridge(
      others.map(i => inputs[i]),
      others.map(i => targets[i]),
      strength,
    )
    for (let i = part; i < inputs.length; i += parts) predicted[i] = applied(map, inputs[i])
  }
  if (isClass) {
    const best = (row: readonly number[]): number => row.indexOf(Math.max(...row))
    return predicted.filter((row, i) => best(row) === best(targets[i])).length / predicted.length
  }
  const mean = targets.reduce((sum, [value]) => sum + value, 0) / targets.length
  const squares = (of: (i: number) => number): number => targets.reduce((sum, _, i) => sum + of(i) ** 2, 0)
  return 1 - squares(i => targets[i][0] - predicted[i][0]) / squares(i => targets[i][0] - mean)
}

/** How well a property can be read after each layer. */
export class LinearProbe extends StudyResult {
  /** `layer`. */
  readonly axes: readonly LabelledAxis[]
  /** The score on held-out prompts: float32 `[layer]`. It is the share of right answers for classes, and R² for numbers. */
  readonly scores: Tensor
  /** The score of guessing: the share of the most frequent class; 0 for numbers. */
  readonly chance: number
  /** The classes, in the order of `directions`; undefined for numbers. */
  readonly classes: readonly string[] | undefined
  /** The probes, fitted on all prompts: float32 `[layer, class, width]`. Numbers have one "class". */
  readonly directions: Tensor
  /** The probes' biases: float32 `[layer, class]`. */
  readonly biases: Tensor

  constructor(
    layers: readonly number[],
    fitted: readonly { readonly score: number; readonly map: LinearMap }[],
    classes: readonly string[] | undefined,
    labels: readonly (string | number)[],
  ) {
    super()
    this.axes = [{ name: 'layer', labels: layers.map(String) }]
    this.classes = classes
    this.chance = classes
      ? Math.max(...classes.map(one => labels.filter(label => label === one).length)) / labels.length
      : 0
    const second = { name: 'class', labels: classes ?? ['value'] }
    this.scores = labelled(tensor(fitted.map(({ score }) => score)), this.axes)
    this.directions = labelled(tensor(fitted.map(({ map }) => map.weights.map(row => [...row]))), [
      ...this.axes,
      second,
    ])
    this.biases = labelled(tensor(fitted.map(({ map }) => [...map.bias])), [...this.axes, second])
  }

  #measure(): string {
    return this.classes ? 'share of held-out prompts that are right' : 'R² on held-out prompts'
  }

  table(): Table {
    const scores = this.scores.tolist() as number[]
    return {
      title: `Linear probes: ${this.#measure()}`,
      corner: 'layer',
      columns: [this.classes ? 'accuracy' : 'R²'],
      rows: scores.map((score, i) => ({ label: this.axes[0].labels[i], cells: [short(score)] })),
      notes: this.classes ? [`${this.classes.length} classes; guessing gives ${short(this.chance)}.`] : [],
    }
  }

  protected chart(): Chart {
    const scores = this.scores.tolist() as number[]
    return lines({
      title: 'Linear probes',
      subtitle: this.#measure(),
      across: { name: 'layer', values: this.axes[0].labels },
      series: [
        { name: 'probe', values: scores },
        ...(this.classes ? [{ name: 'guessing', values: scores.map(() => this.chance) }] : []),
      ],
      measure: this.classes ? 'accuracy' : 'R²',
    })
  }
}

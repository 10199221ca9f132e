import { printed } from '../study/results/table.ts'
import type { LogitsDifference } from './measuring/logits.ts'
import { adviceOf } from './report/advice.ts'
import type { Blamed, ComparedModule, ComparedPair, ComparisonData, Interaction, KeepStep } from './report/data.ts'
import { htmlOf } from './report/html.ts'
import { tableOf } from './report/table.ts'

const INSPECT = Symbol.for('nodejs.util.inspect.custom')

/** The result of `compare()`: where two models differ, and which modules cause it. It prints as a table. */
export class Comparison implements ComparisonData {
  readonly version = 1
  readonly models: ComparisonData['models']
  readonly inputs: readonly string[]
  readonly output: ComparisonData['output']
  readonly logits: LogitsDifference | null
  readonly pairs: readonly ComparedPair[]
  readonly unpaired: ComparisonData['unpaired']
  readonly modules: readonly ComparedModule[]
  readonly blame: readonly Blamed[]
  readonly keepFloat: readonly KeepStep[]
  readonly interactions: readonly Interaction[]
  readonly culprit: string | null
  readonly unexplained: ComparisonData['unexplained']
  readonly advice: string

  constructor(data: Omit<ComparisonData, 'version' | 'advice'>) {
    this.models = data.models
    this.inputs = data.inputs
    this.output = data.output
    this.logits = data.logits
    this.pairs = data.pairs
    this.unpaired = data.unpaired
    this.modules = data.modules
    this.blame = data.blame
    this.keepFloat = data.keepFloat
    this.interactions = data.interactions
    this.culprit = data.culprit
    this.unexplained = data.unexplained
    this.advice = adviceOf(data)
  }

  /** The numbers that can be given a limit, by name: `kl`, `loss-change`, `top1-disagreement`, `top5-disagreement`, or `relative-error`. */
  get metrics(): Readonly<Record<string, number>> {
    if (!this.logits) return { 'relative-error': this.output.mean }
    const { kl, top1, top5, lossA, lossB } = this.logits
    const known = { kl, 'top1-disagreement': 1 - top1, 'top5-disagreement': 1 - top5 }
    return lossA === null || lossB === null ? known : { ...known, 'loss-change': lossB - lossA }
  }

  /** A page for the browser that needs nothing from elsewhere: the blame, the module tree coloured by it, and all numbers. */
  get html(): string {
    return htmlOf(this)
  }

  /** The table as text. */
  toString(): string {
    return printed(tableOf(this))
  }

  [INSPECT](): string {
    return this.toString()
  }
}

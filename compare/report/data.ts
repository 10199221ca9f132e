import type { Difference } from '../measuring/difference.ts'
import type { LogitsDifference } from '../measuring/logits.ts'
import type { FoundBy } from '../pairing/pair-modules.ts'

/** Two modules that correspond to each other. */
export interface ComparedPair {
  /** The module's path in A. */
  readonly a: string
  /** Its path in B. */
  readonly b: string
  /** How they were recognised as the same: by their paths, by their names in paired modules, by their weights, or by their structure. */
  readonly by: FoundBy
}

/** A difference over all inputs: the means of its numbers, but for `max` the largest, and for `nonFinite` the sum. */
export interface DifferenceOverInputs extends Difference {
  /** The input with the largest relative error. */
  readonly worst: { readonly relative: number; readonly input: string }
}

/** How the output of one module differs between the models. */
export interface ComparedModule {
  /** The module's path in A. */
  readonly module: string
  /** The difference between the outputs of the two modules if both models run as they are. */
  readonly error: DifferenceOverInputs
  /** The difference between the inputs of the two modules; null if the input has no partner. */
  readonly arriving: DifferenceOverInputs | null
  /** The module's own error: the output of B's module for A's values, compared with A's output. Null if other modules compute the output. */
  readonly made: DifferenceOverInputs | null
}

/** How much of B's error comes from one module. */
export interface Blamed {
  /** The module's path in A. */
  readonly module: string
  /** The node of A, if blame goes to nodes; else null. */
  readonly node: string | null
  /** The error of A's output if only this module has the error that it has in B, as a share of the error of B's output. */
  readonly share: number
  /**
   * The range of the share in 95% of random draws of these inputs (a percentile bootstrap). If only one of several measured it, which happens
   * to small shares, it is from a tenth of the share to ten times as much.
   */
  readonly interval: readonly [number, number]
  /** The same error of A's output in the unit of the metric, averaged over inputs. */
  readonly effect: number
  /** On how many inputs it was measured: on fewer than all, if these settled the share, or if it would be small on the others. */
  readonly inputs: number
}

/** What the errors of two modules make together beyond the sum of what each makes alone. */
export interface Interaction {
  /** The paths of the two modules in A; names of nodes, if blame goes to nodes. */
  readonly between: readonly [string, string]
  /** As a share of the error of B's output: below zero where the two errors overlap, above where they strengthen each other. */
  readonly share: number
  /** The range of the share in 95% of random draws of these inputs. */
  readonly interval: readonly [number, number]
}

/** What it gives to leave one more module in float. */
export interface KeepStep {
  /** The module's path in A. */
  readonly module: string
  /** The error of the output if this module and those before it are as they are in A, in the unit of the metric. */
  readonly error: number
  /** The same as a share of the error with none of them in float. */
  readonly left: number
  /** By how many bytes the weights of this module and of those before it grow. */
  readonly bytes: number
}

/** The numbers of a comparison. The file compare.schema.json describes them as JSON. */
export interface ComparisonData {
  readonly version: 1
  readonly models: { readonly a: string; readonly b: string }
  /** The names of the inputs on which both models ran. */
  readonly inputs: readonly string[]
  /** The error of B's output: KL for language models, otherwise the difference's length as a share of the length of A's output. */
  readonly output: {
    readonly metric: string
    readonly mean: number
    readonly worst: { readonly value: number; readonly input: string }
  }
  /** Means over inputs; null if the models are not language models. */
  readonly logits: LogitsDifference | null
  readonly pairs: readonly ComparedPair[]
  /** Modules without a partner. */
  readonly unpaired: { readonly a: readonly string[]; readonly b: readonly string[] }
  /** The modules in the order in which they run. */
  readonly modules: readonly ComparedModule[]
  /** The modules with their shares of the error, the largest share first. */
  readonly blame: readonly Blamed[]
  /** The steps of leaving modules in float, the guiltiest first, as many as the option `keepFloat` asks for. */
  readonly keepFloat: readonly KeepStep[]
  /** The interactions of the guiltiest modules, as many as the option `interactions` asks for, the largest first. */
  readonly interactions: readonly Interaction[]
  /** The module that causes most of the error; null if no single one does, or no single node of it. */
  readonly culprit: string | null
  /** The shares that no module causes: that of nodes outside of all modules, and the rest that is missing from the sum of all shares. */
  readonly unexplained: { readonly outside: number; readonly rest: number }
  /** One sentence about what to do. */
  readonly advice: string
}

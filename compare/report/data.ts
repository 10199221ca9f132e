import type { Difference } from '../measuring/difference.ts'
import type { LogitsDifference } from '../measuring/logits.ts'
import type { FoundBy } from '../pairing/pair-modules.ts'

/** Two modules that stand for each other. */
export interface ComparedPair {
  /** The module's path in A. */
  readonly a: string
  /** Its path in B. */
  readonly b: string
  /** What told that they are the same: their paths, their names below paired modules, their weights, or what they are made of. */
  readonly by: FoundBy
}

/** A difference over all inputs: means, the largest of `max`, and the sum of `nonFinite`. */
export interface DifferenceOverInputs extends Difference {
  /** The input with the largest relative error. */
  readonly worst: { readonly relative: number; readonly input: string }
}

/** How the output of one module differs. */
export interface ComparedModule {
  /** The module's path in A. */
  readonly module: string
  /** The difference between the outputs of the two modules, when both models run. */
  readonly error: DifferenceOverInputs
  /** What arrives: the difference between the module's inputs. Null for a module whose input has no partner. */
  readonly arriving: DifferenceOverInputs | null
  /** What is made here: B's module applied to A's values, against A's output. Null for a module that others make the output of. */
  readonly made: DifferenceOverInputs | null
}

/** How much of B's error comes from one module. */
export interface Blamed {
  /** The module's path in A. */
  readonly module: string
  /** The error of A's output when this module makes its error in A alone, as a share of the error of B's. */
  readonly share: number
  /** Where the share lies in 95 of 100 draws of these inputs. */
  readonly interval: readonly [number, number]
  /** The error of A's output in the unit of the metric, as a mean over inputs. */
  readonly effect: number
}

/** The numbers of a comparison. The file compare.schema.json describes them as JSON. */
export interface ComparisonData {
  readonly version: 1
  readonly models: { readonly a: string; readonly b: string }
  /** The inputs that both ran on. */
  readonly inputs: readonly string[]
  /** How far B's output is from A's: KL for language models, else the length of the difference as a share of that of A's output. */
  readonly output: {
    readonly metric: string
    readonly mean: number
    readonly worst: { readonly value: number; readonly input: string }
  }
  /** Means over inputs; null for models that are no language models. */
  readonly logits: LogitsDifference | null
  readonly pairs: readonly ComparedPair[]
  /** Modules without a partner. */
  readonly unpaired: { readonly a: readonly string[]; readonly b: readonly string[] }
  /** In the order in which they run. */
  readonly modules: readonly ComparedModule[]
  /** The guiltiest first. */
  readonly blame: readonly Blamed[]
  /** The module that makes most of the error; null if no single one does. */
  readonly culprit: string | null
  /** What no module makes: the share of nodes outside of all modules, and of what the parts do not add up to. */
  readonly unexplained: { readonly outside: number; readonly rest: number }
  /** What a person would do, in one sentence. */
  readonly advice: string
}

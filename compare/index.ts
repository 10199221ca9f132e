/** The exports of `onnsight/compare`, which finds where two models differ, and which modules cause it. */
export type { Way } from './arranging/arrange.ts'
export { type CompareOptions, compare } from './compare.ts'
export { Comparison } from './comparison.ts'
export type { ComparedInputs } from './inputs.ts'
export type { Difference } from './measuring/difference.ts'
export type { LogitsDifference } from './measuring/logits.ts'
export type { MixedModel } from './mixing/save-mixed.ts'
export type { FoundBy } from './pairing/pair-modules.ts'
export type {
  Blamed,
  ComparedModule,
  ComparedPair,
  ComparisonData,
  DifferenceOverInputs,
  Interaction,
  KeepStep,
} from './report/data.ts'
export { saveMixed } from './save-mixed.ts'

/** The exports of `onnsight/testing`: helpers for tests of models and edits. */
export { type CloseToOptions, closeTo } from './close-to.ts'
export type { Expected, ExpectedArray } from './expected.ts'
export { type MatcherResult, matchers, type TensorMatchers } from './matchers.ts'
export { type SnapshotList, type SnapshotOptions, snapshotOf, type TensorSnapshot } from './snapshot.ts'
export type { Tolerance, ToleranceOptions } from './tolerance.ts'

/** The share of the learning rate at a step, which counts from 0. */
export type Schedule = (step: number, steps: number) => number

/** Falls from 1 to 0 along a half wave of the cosine (Loshchilov and Hutter 2017, arXiv:1608.03983), as `CosineAnnealingLR`. */
export const cosine = (): Schedule => (step, steps) => (1 + Math.cos((Math.PI * step) / steps)) / 2

/** Falls from 1 to 0 along a line. */
export const linear = (): Schedule => (step, steps) => 1 - step / steps

/** Grows along a line over the first steps, and then goes on by another schedule over the steps that are left. */
export const warmup =
  (first: number, then: Schedule = () => 1): Schedule =>
  (step, steps) =>
    step < first ? (step + 1) / (first + 1) : then(step - first, Math.max(1, steps - first))

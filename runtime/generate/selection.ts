import { StepError } from '../errors/generate.ts'
import { currentPosition } from '../tensor/current-position.ts'
import { type SlicePart, type SliceSpec, toSlice } from '../tensor/slices/slice.ts'
import { stateOf } from '../tensor/tensor.ts'

/** A choice of steps: one, a list of them, or a slice in NumPy's syntax: 0, [0, 2], s`1:20:2`. */
export type Steps = number | readonly number[] | Exclude<SliceSpec, null | bigint>

/** The chosen steps: either named one by one, or those of a range that happen to run. */
export type Selection =
  | { readonly kind: 'named'; readonly steps: readonly number[] }
  | { readonly kind: 'range'; readonly start: number; readonly stop: number; readonly step: number }

/** @throws StepError if `steps` is no choice of steps */
export function selectionOf(steps: Steps): Selection {
  if (Array.isArray(steps) && steps.every(step => typeof step === 'number'))
    return { kind: 'named', steps: steps.map(whole) }
  const { parts } = toSlice(steps as SliceSpec)
  if (parts.length === 1) {
    const chosen = fromPart(parts[0])
    if (chosen) return chosen
  }
  throw new StepError(
    'Steps must be a number, a list of numbers or one range.',
    'write iter(0, …), iter([0, 2], …) or iter(s`1:20:2`, …)',
    currentPosition(),
  )
}

export function isChosen(selection: Selection, step: number): boolean {
  if (selection.kind === 'named') return selection.steps.includes(step)
  return step >= selection.start && step < selection.stop && (step - selection.start) % selection.step === 0
}

function fromPart(part: SlicePart): Selection | undefined {
  switch (part.kind) {
    case 'index':
      return { kind: 'named', steps: [whole(part.value)] }
    case 'list':
      return {
        kind: 'named',
        steps: Array.from(stateOf(part.values).data().data as ArrayLike<unknown>, item => whole(Number(item))),
      }
    case 'ellipsis':
      return { kind: 'range', start: 0, stop: Number.POSITIVE_INFINITY, step: 1 }
    case 'range':
      if (part.step < 0)
        throw new StepError(
          'This range goes backwards, but steps run only forwards.',
          'use a positive step',
          currentPosition(),
        )
      return {
        kind: 'range',
        start: whole(part.start ?? 0),
        stop: part.stop === undefined ? Number.POSITIVE_INFINITY : whole(part.stop),
        step: part.step,
      }
    default:
      return undefined
  }
}

function whole(step: number): number {
  if (Number.isInteger(step) && step >= 0) return step
  throw new StepError(
    `Step ${step} can't be chosen: the number of steps is not known before they have run.`,
    step < 0 ? 'count from 0; for the last step, take the last result of all(…) or of the block' : 'count from 0',
    currentPosition(),
  )
}

import type { Dims } from '../graph/expression.ts'

/** What one axis of a tensor stands for. */
export interface Axis {
  /** 'prompt', 'token', 'query', 'key', or what a study calls it; undefined for an axis without a name. */
  readonly name: string | undefined
  /** What stands at each place, such as the prompt’s tokens. */
  readonly labels?: readonly string[] | undefined
  /** The labels of each prompt, if they differ from prompt to prompt. The part of a single prompt has `labels` instead. */
  readonly labelsByPrompt?: readonly (readonly string[])[] | undefined
}

/** What the axes of a tensor stand for, outermost first. */
export type Axes = readonly Axis[]

/** The name of the axis with one row for each prompt. */
export const PROMPT = 'prompt'

/** A tensor. */
interface Labelled {
  readonly dims: Dims
}

/**
 * The axes of tensors. They are kept beside the tensors, so that tensors without them cost nothing. Most are never asked for, so a function
 * may find them when they are.
 */
const known = new WeakMap<Labelled, Axes | (() => Axes | undefined)>()

/** Says what the axes of a tensor stand for. */
export function setAxes(tensor: Labelled, axes: Axes | (() => Axes | undefined)): void {
  known.set(tensor, axes)
}

/** Gives another tensor the same axes. */
export function shareAxes(from: Labelled, to: Labelled): void {
  const axes = known.get(from)
  if (axes) known.set(to, axes)
}

export const hasAxes = (tensor: Labelled): boolean => known.has(tensor)

/** What the axes stand for; labels that do not fit the dims are left out. Undefined if nothing is known. */
export function axesOf(tensor: Labelled): Axes | undefined {
  const found = known.get(tensor)
  const axes = typeof found === 'function' ? found() : found
  const { dims } = tensor
  if (!axes || axes.length !== dims.length) return undefined
  const prompts = dims[axes.findIndex(({ name }) => name === PROMPT)]
  const fitting = axes.map(({ name, labels, labelsByPrompt }, i): Axis => {
    const fits = (list: readonly string[]): boolean => dims[i] === undefined || list.length === dims[i]
    const byPrompt = labelsByPrompt?.every(fits) && labelsByPrompt.length === prompts ? labelsByPrompt : undefined
    const own = labels && fits(labels) ? labels : byPrompt?.length === 1 ? byPrompt[0] : undefined
    return { name, ...(own ? { labels: own } : byPrompt ? { labelsByPrompt: byPrompt } : {}) }
  })
  known.set(tensor, fitting)
  return fitting
}

/** The same for printing, which must never throw. */
export function knownAxes(tensor: Labelled): Axes | undefined {
  try {
    return axesOf(tensor)
  } catch {
    return undefined
  }
}

import { type Heads, isHeads } from '../model/modules/heads/heads.ts'
import { handleOf } from '../model/modules/module.ts'
import { Slice, type SliceSpec, toSlice } from '../tensor/slices/slice.ts'
import { Tensor } from '../tensor/tensor.ts'
import { asTensor, describe, isScalar } from './arithmetic.ts'
import { Named } from './members.ts'
import { TemplateProblem } from './problem.ts'

/** One evaluated entry in brackets. */
export type Entry =
  | { readonly kind: 'range'; readonly start?: unknown; readonly stop?: unknown; readonly step?: unknown }
  | { readonly kind: 'ellipsis' }
  | { readonly kind: 'newaxis' }
  | { readonly kind: 'value'; readonly value: unknown }

/** The value of `object[entries]`: a layer, a named value, an element or a slice. */
export function indexOf(object: unknown, entries: readonly Entry[]): unknown {
  const handle = handleOf(object)
  const single = entries.length === 1 ? entries[0] : undefined
  if (object instanceof Tensor) return object.slice(sliceOf(entries))
  const isList = Array.isArray(object) || isHeads(object)
  if (handle || isList) {
    const list = handle ? handle.modules : Array.isArray(object) ? object : [...(object as Heads)]
    if (single?.kind === 'range')
      return pythonSlice(list, integer(single.start), integer(single.stop), integer(single.step) ?? 1)
    if (single?.kind === 'value' && typeof single.value === 'number') {
      if (handle) return handle.at(single.value)
      const at = single.value < 0 ? single.value + list.length : single.value
      if (at in list) return list[at]
      throw new TemplateProblem(`there is no element ${single.value}: the list has ${list.length}`, 'count from 0')
    }
    if (handle && single?.kind === 'value' && typeof single.value === 'string') return handle.child(single.value)
    // A list of numbers may be sliced as if it were a tensor.
    if (!handle && isNumeric(object)) return asTensor('a slice', object).slice(sliceOf(entries))
    throw new TemplateProblem(
      `${handle ? handle.path || 'the model' : 'a list'} was sliced like a tensor`,
      handle ? `slice its output: ${handle.path}.output[…]` : 'make it a tensor first: stack([a, b])',
    )
  }
  if (object instanceof Named && single?.kind === 'value' && typeof single.value === 'string')
    return object.get(single.value)
  if (ArrayBuffer.isView(object)) return asTensor('a slice', object).slice(sliceOf(entries))
  throw new TemplateProblem(`${describe(object)} has no elements`, 'brackets stand behind layers, tensors and lists')
}

export function sliceOf(entries: readonly Entry[]): SliceSpec {
  return new Slice(entries.flatMap(partsOf))
}

function partsOf(entry: Entry): Slice['parts'] {
  switch (entry.kind) {
    case 'ellipsis':
      return toSlice('...').parts
    case 'newaxis':
      return toSlice(null).parts
    case 'range':
      return toSlice([{ start: integer(entry.start), stop: integer(entry.stop), step: integer(entry.step) }]).parts
    case 'value':
      return valuePart(entry.value)
  }
}

function valuePart(value: unknown): Slice['parts'] {
  if (value instanceof Slice) return value.parts
  if (typeof value === 'string' || typeof value === 'boolean' || typeof value === 'function')
    throw new TemplateProblem(`${describe(value)} is not an index`, 'use integers, ranges, lists, masks, None or ...')
  return toSlice([value] as SliceSpec).parts
}

function integer(value: unknown): number | undefined {
  if (value === undefined || value === null) return undefined
  const number = value instanceof Tensor && value.computed ? Number(value.item()) : Number(value)
  if (Number.isSafeInteger(number) && typeof value !== 'boolean') return number
  throw new TemplateProblem(`${describe(value)} can’t bound a range`, 'use integers')
}

function pythonSlice<T>(list: readonly T[], start: number | undefined, stop: number | undefined, step: number): T[] {
  if (step === 1) return list.slice(start ?? 0, stop)
  if (step === 0) throw new TemplateProblem('a step can’t be 0', 'use a number other than 0')
  const at = (index: number | undefined, otherwise: number): number => {
    if (index === undefined) return otherwise
    const whole = index < 0 ? index + list.length : index
    return step > 0 ? Math.min(Math.max(whole, 0), list.length) : Math.min(Math.max(whole, -1), list.length - 1)
  }
  const [first, end] = [at(start, step > 0 ? 0 : list.length - 1), at(stop, step > 0 ? list.length : -1)]
  const chosen: T[] = []
  for (let i = first; step > 0 ? i < end : i > end; i += step) chosen.push(list[i])
  return chosen
}

const isNumeric = (list: unknown): boolean =>
  Array.isArray(list) && list.every(item => isScalar(item) || isNumeric(item))

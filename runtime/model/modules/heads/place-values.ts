import { NoHeadsError } from '../../../errors/names.ts'
import type { Tap } from '../../../graph/expression.ts'
import type { HeadPlace } from '../../../names/heads/attention.ts'
import type { Axis } from '../../../names/heads/layout.ts'
import { type Axes, axesOf, hasAxes, PROMPT, setAxes, shareAxes } from '../../../tensor/axes.ts'
import type { Place } from '../../../tensor/state.ts'
import { dimsOf, newHandle, stateOf, type Tensor } from '../../../tensor/tensor.ts'
import { readActivation, writeActivation } from '../activation.ts'
import type { Binding } from '../binding.ts'

/** The order in which users see the axes of all heads: `[batch, position, head, width]` and `[batch, head, query, key]`. */
const ORDERS: readonly (readonly Axis[])[] = [
  ['batch', 'token', 'head', 'width'],
  ['batch', 'head', 'query', 'key'],
]

/** Reads and writes a value of the graph as if it had the axes of `ORDERS`, one of them for heads. */
export class PlaceValues {
  readonly #binding: Binding
  readonly #place: HeadPlace
  readonly #label: string
  /** `#axes` are the value's axes after merged ones are split. `#order` has, for each axis that the user sees, its index among these. */
  readonly #axes: readonly Axis[]
  readonly #order: readonly number[]

  constructor(binding: Binding, place: HeadPlace, label: string) {
    this.#binding = binding
    this.#place = place
    this.#label = label
    this.#axes = place.layout.flat().map(axis => (axis === 'kv' ? 'head' : axis))
    const order = ORDERS.find(axes => axes.every(axis => this.#axes.includes(axis)))
    if (!order || this.#axes.length !== 4)
      throw new NoHeadsError(label, `${place.value} has axes that are not followed: ${place.layout.join(' | ')}`)
    this.#order = order.map(axis => this.#axes.indexOf(axis))
  }

  /** Returns all heads, or the one that a query head uses. @param heads the number of query heads */
  read(tap: Tap, head?: number, heads = this.#place.heads): Tensor {
    const value = readActivation(this.#binding, tap)
    const apart = this.#apart(value)
    const found =
      head === undefined
        ? permuted(apart, this.#order)
        : this.#ordered(apart.select(this.#headAxis, this.#indexOf(head, heads)))
    const names = this.#order.map(axis => this.#axes[axis]).filter(name => head === undefined || name !== 'head')
    if (found !== value && hasAxes(value)) setAxes(found, () => orderedAxes(axesOf(value), names))
    return found
  }

  /** Replaces all heads, or one. */
  write(tap: Tap, written: unknown, head?: number, heads = this.#place.heads): void {
    const now = readActivation(this.#binding, tap)
    const apart = this.#apart(now)
    let changed: Tensor
    if (head === undefined) {
      const all = permuted(apart, this.#order).assign('...', written as never)
      changed = permuted(all, inverse(this.#order))
    } else {
      const at = this.#indexOf(head, heads)
      const one = this.#ordered(apart.select(this.#headAxis, at)).assign('...', written as never)
      const slice = this.#axes.slice(0, this.#headAxis).map(() => ':')
      changed = apart.assign([...slice, at], permuted(one, inverse(this.#orderWithoutHead)))
    }
    writeActivation(this.#binding, tap, this.#together(changed))
  }

  get #headAxis(): number {
    return this.#axes.indexOf('head')
  }

  /** The order of one head's axes. */
  get #orderWithoutHead(): number[] {
    const at = this.#headAxis
    return this.#order.filter(axis => axis !== at).map(axis => (axis > at ? axis - 1 : axis))
  }

  #ordered(one: Tensor): Tensor {
    return permuted(one, this.#orderWithoutHead)
  }

  /** The index of the head that a query head uses: groups of query heads may share a head of keys and values. */
  #indexOf(head: number, heads: number): number {
    return Math.floor((head * this.#place.heads) / heads)
  }

  #apart(value: Tensor): Tensor {
    const { layout, heads, width } = this.#place
    let apart = value
    for (let axis = layout.length - 1; axis >= 0; axis--) {
      const merged = layout[axis]
      if (merged.length === 0) apart = apart.select(axis, 0)
      if (merged.length < 2) continue
      const sizes = merged.map(one => (one === 'head' || one === 'kv' ? heads : one === 'width' ? (width ?? -1) : -1))
      apart = apart.unflatten(axis, sizes)
    }
    const found = dimsOf(apart)?.[this.#headAxis]
    if (found !== undefined && found !== heads)
      throw new NoHeadsError(this.#label, `${this.#place.value} has ${found} heads, where the graph tells ${heads}`)
    return apart
  }

  #together(apart: Tensor): Tensor {
    let together = apart
    for (const [axis, merged] of this.#place.layout.entries()) {
      if (merged.length === 0) together = together.unsqueeze(axis)
      if (merged.length > 1) together = together.flatten(axis, axis + merged.length - 1)
    }
    return together
  }
}

/** A handle on a value. Assignments to it, or to a slice of it, call `write`. */
export function placeHandle(
  binding: Binding,
  label: string,
  {
    read,
    write,
    partOf,
  }: { readonly read: () => Tensor; readonly write: (value: unknown) => void; readonly partOf?: Place['partOf'] },
): Tensor {
  const tracer = binding.tracer(label)
  return tracer.oneCall(() => {
    const set = (slice: unknown, written: unknown) =>
      tracer.oneCall(() => write(read().assign(slice as never, written as never)))
    const value = read()
    const handle = newHandle(stateOf(value).value, tracer, { label, set, partOf })
    shareAxes(value, handle)
    return handle
  })
}

/** The axes in the order in which users see them, with the labels of the graph's value. */
function orderedAxes(own: Axes | undefined, names: readonly Axis[]): Axes | undefined {
  if (!own) return undefined
  return names.map(name => {
    if (name === 'batch') return { name: PROMPT }
    if (name !== 'token' && name !== 'query' && name !== 'key') return { name: undefined }
    return own.find(one => one.name === name) ?? { name }
  })
}

function permuted(tensor: Tensor, order: readonly number[]): Tensor {
  return order.every((axis, i) => axis === i) ? tensor : tensor.permute(order)
}

const inverse = (order: readonly number[]): number[] => order.map((_, i) => order.indexOf(i))

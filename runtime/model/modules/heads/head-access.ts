import { NoHeadsError } from '../../../errors/names.ts'
import type { Attention, Part } from '../../../names/heads/attention.ts'
import type { Tensor } from '../../../tensor/tensor.ts'
import type { Binding } from '../binding.ts'
import { PlaceValues, placeHandle } from './place-values.ts'
import { Results } from './results.ts'

/** A part of a head: see `Head`, and `Part` for parts that are only read and written by hook names. */
export type HeadPart = Part | 'result'

/** Reads and writes a part of one head of an attention, or of all heads. */
export class HeadAccess {
  readonly #binding: Binding
  readonly #find: (label: string) => Attention
  readonly #label: (part: string, head?: number) => string

  /** @param find the attention in the branches that the current trace chose @param label how messages name a part */
  constructor(binding: Binding, find: (label: string) => Attention, label: (part: string, head?: number) => string) {
    this.#binding = binding
    this.#find = find
    this.#label = label
  }

  get count(): number {
    return this.#find(this.label()).heads
  }

  /** The name of a part in messages; without `part`, the name of the head. */
  label(part = '', head?: number): string {
    return this.#label(part, head)
  }

  read(part: HeadPart, head?: number): Tensor {
    const label = this.label(part, head)
    return placeHandle(this.#binding, label, {
      read: () => this.#read(part, label, head),
      write: value => this.#write(part, label, value, head),
      ...(part === 'result' ? { partOf: () => this.#results(label).sum(head) } : {}),
    })
  }

  write(part: HeadPart, value: unknown, head?: number): void {
    const label = this.label(part, head)
    this.#binding.tracer(label).oneCall(() => this.#write(part, label, value, head))
  }

  #read(part: HeadPart, label: string, head: number | undefined): Tensor {
    if (part === 'result') return this.#results(label).read(head)
    const { values, tap, heads } = this.#place(part, label)
    return values.read(tap, head, heads)
  }

  #write(part: HeadPart, label: string, value: unknown, head: number | undefined): void {
    if (part === 'result') {
      this.#results(label).write(value, head)
      return
    }
    const { values, tap, heads } = this.#place(part, label)
    values.write(tap, value, head, heads)
  }

  #place(part: Part, label: string) {
    const attention = this.#find(label)
    const place = attention.places.get(part)
    if (!place) throw new NoHeadsError(label, attention.reasons.get(part) ?? 'the graph does not have it')
    return {
      values: new PlaceValues(this.#binding, place, label),
      tap: this.#binding.taps.tensorTap(place.value),
      heads: attention.heads,
    }
  }

  #results(label: string): Results {
    const attention = this.#find(label)
    const z = attention.places.get('z')
    if (!attention.out || !z)
      throw new NoHeadsError(
        label,
        attention.reasons.get('result') ?? attention.reasons.get('z') ?? 'the graph does not have it',
      )
    return new Results(this.#binding, attention, z, attention.out, label)
  }
}

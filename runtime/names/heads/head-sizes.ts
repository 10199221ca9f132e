import type { HeadPlace, Part } from './attention.ts'
import type { Flow } from './flow.ts'
import type { Labelled, Layouts } from './layout.ts'
import { isProjection, type Matrix, matrixOf } from './projection.ts'

/** Finds, from the dims of an attention's values, how many heads it has, and how many elements each has at one position. */
export class HeadSizes {
  readonly #flow: Flow
  readonly #layouts: Layouts
  /** Sizes by part and axes: `q width`, `z head width`; `head` is the number of query heads. */
  readonly #sizes = new Map<string, number>()
  /** The parts of which two values tell different numbers of heads, so that one of them was misread; `head` for the query heads. */
  readonly #contradicted = new Set<Part | 'head'>()

  constructor(flow: Flow, layouts: Layouts) {
    this.#flow = flow
    this.#layouts = layouts
  }

  /** Notes every size that the values' dims tell. */
  measure(part: Part, known: readonly Labelled[]): void {
    for (const { value, layout } of known) {
      const dims = this.#layouts.dimsOf(value)
      layout.forEach((axes, i) => {
        const dim = dims?.[i]
        if (dim !== undefined && axes.length > 0) this.#note(part, axes.join(' '), dim)
      })
    }
  }

  #note(part: Part, axes: string, dim: number): void {
    const name = axes === 'head' && part !== 'k' && part !== 'v' ? axes : `${part} ${axes}`
    const known = this.#sizes.get(name)
    if (known === undefined) this.#sizes.set(name, dim)
    else if (known !== dim && /^(head|kv)( width)?$/.test(axes)) this.#contradicted.add(name === 'head' ? name : part)
  }

  /** The number of query heads: the dim of an axis, or the width of all heads divided by that of one. `z` are the heads' results. */
  heads(z: readonly Labelled[]): number | undefined {
    if (this.#contradicted.has('head')) return undefined
    const counted = this.#sizes.get('head')
    if (counted) return counted
    const widths = [
      [this.#sizes.get('q head width'), this.#sizes.get('q width')],
      [this.#sizes.get('q head packed'), this.#sizes.get('q packed')],
      [this.#widthOfResults(z), this.#sizes.get('z width') ?? this.#sizes.get('v width')],
    ]
    for (const [all, width] of widths) if (width && all && all % width === 0) return all / width
    return undefined
  }

  /** Notes the width of a head of values, if only the width of all results tells it. */
  measureWidth(heads: number, z: readonly Labelled[]): void {
    const all = this.#widthOfResults(z)
    if (all && !this.#sizes.has('v width')) this.#sizes.set('v width', all / heads)
  }

  /** The width of all heads' results, from their dims, or from those of the matrix of the layer after them. */
  #widthOfResults(z: readonly Labelled[]): number | undefined {
    const measured = this.#sizes.get('z head width')
    if (measured !== undefined || z.length === 0) return measured
    for (const node of this.#flow.readersOf(z[z.length - 1].value)) {
      if (!isProjection(this.#flow, node)) continue
      const matrix = matrixOf(this.#flow, node)
      const dims = matrix && dimsOfMatrix(this.#layouts, matrix)
      if (dims) return dims[0]
    }
    return undefined
  }

  /** The heads in a part's value, which groups of the `heads` query heads may share; undefined if their number is not known. */
  of(part: Part, { value, layout }: Labelled, heads: number): Pick<HeadPlace, 'heads' | 'width'> | undefined {
    if (this.#contradicted.has(part)) return undefined
    const dims = this.#layouts.dimsOf(value)
    const has = (axes: string): number | undefined => {
      const at = layout.findIndex(one => one.join(' ') === axes)
      return at < 0 ? undefined : dims?.[at]
    }
    const isShared = layout.flat().includes('kv')
    const counted = has('head') ?? has('kv') ?? (isShared ? this.#sizes.get(`${part} kv`) : undefined)
    const all = has('head width') ?? has('kv width') ?? this.#sizes.get(`${part} ${isShared ? 'kv' : 'head'} width`)
    const width =
      has('width') ??
      this.#sizes.get(`${part} width`) ??
      (part === 'z' ? this.#sizes.get('v width') : part === 'k' ? this.#sizes.get('q width') : undefined)
    const count = counted ?? (all && width ? all / width : isShared ? undefined : heads)
    if (count === undefined || !Number.isInteger(count) || heads % count !== 0) return undefined
    return { heads: count, width: width ?? (all === undefined ? undefined : all / count) }
  }
}

/** The dims of a matrix, `[in, out]`, as far as they are known. */
export function dimsOfMatrix(
  layouts: Layouts,
  { form, isTransposed }: Matrix,
): readonly (number | undefined)[] | undefined {
  const dims = form.kind === 'value' ? layouts.dimsOf(form.name) : form.dims
  return isTransposed ? dims?.toReversed() : dims
}

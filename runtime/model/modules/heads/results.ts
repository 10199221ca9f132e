import type { Tap } from '../../../graph/expression.ts'
import type { Attention, HeadPlace } from '../../../names/heads/attention.ts'
import type { Matrix } from '../../../names/heads/projection.ts'
import { stack } from '../../../tensor/ops/join.ts'
import type { Sum } from '../../../tensor/state.ts'
import { stateOf, type Tensor } from '../../../tensor/tensor.ts'
import { readActivation, writeActivation } from '../activation.ts'
import type { Binding } from '../binding.ts'
import { dequantised } from '../parameter.ts'
import { attentionsOf } from './attention-of.ts'
import { PlaceValues } from './place-values.ts'

/** The results that blocks have written, for each trace or invoke, by the tap of the sum and by the head. */
const written = new WeakMap<object, Map<Tap, Map<number, Tensor>>>()

/** The results that blocks have computed, by what they are computed from: the same result read twice is one value, which has one gradient. */
const computed = new WeakMap<object, Map<string, Tensor>>()

/**
 * The result of each head: its mix of values times its rows of the linear layer after the heads, without the bias (Elhage et al. 2021,
 * A Mathematical Framework for Transformer Circuits). The graph only has the sum of all heads' results. To replace the part of one head in it,
 * the layer gets zeros from this head, and the written value is added to the sum.
 */
export class Results {
  readonly #binding: Binding
  readonly #attention: Attention
  readonly #z: HeadPlace
  readonly #values: PlaceValues
  readonly #out: NonNullable<Attention['out']>

  constructor(binding: Binding, attention: Attention, z: HeadPlace, out: NonNullable<Attention['out']>, label: string) {
    this.#binding = binding
    this.#attention = attention
    this.#z = z
    this.#out = out
    this.#values = new PlaceValues(binding, z, label)
  }

  /** The result of one head, `[batch, position, model width]`, or of all heads, `[batch, position, head, model width]`. */
  read(head?: number): Tensor {
    if (head !== undefined) return this.#writtenBy.get(head) ?? this.#computed(head)
    if (this.#writtenBy.size > 0)
      return stack(
        Array.from({ length: this.#attention.heads }, (_, i) => this.read(i)),
        2,
      )
    return this.#once(undefined, () => {
      const z = this.#values.read(this.#ins[0])
      const matrix = this.#matrix(z).unflatten(0, [this.#attention.heads, -1])
      return z.transpose(1, 2).matmul(matrix).transpose(1, 2)
    })
  }

  /** The sum that the results are parts of; undefined for one that the block has written, which is in the graph itself. */
  sum(head?: number): Sum | undefined {
    const by = this.#writtenBy
    if (head === undefined ? by.size > 0 : by.has(head)) return undefined
    const { value } = stateOf(readActivation(this.#binding, this.#binding.taps.tensorTap(this.#out.output)))
    return head === undefined ? { value, parts: { count: this.#attention.heads, axis: 2 } } : { value }
  }

  write(value: unknown, head?: number): void {
    const now = this.read(head).assign('...', value as never)
    const heads = head === undefined ? Array.from({ length: this.#attention.heads }, (_, i) => i) : [head]
    const by = this.#writtenBy
    const before = heads.flatMap(one => by.get(one) ?? [])
    for (const tap of this.#ins) this.#values.write(tap, 0, head)
    const { taps } = this.#binding
    const sum = taps.tensorTap(this.#out.output)
    const added = head === undefined ? now.sum(2) : now
    const more = before.reduce((rest, one) => rest.sub(one), added)
    const total = readActivation(this.#binding, sum)
    writeActivation(this.#binding, sum, total.add(more.to(total.type)))
    for (const one of heads) by.set(one, head === undefined ? now.select(2, one) : now)
  }

  #computed(head: number): Tensor {
    return this.#once(head, () => {
      const z = this.#values.read(this.#ins[0], head)
      return z.matmul(this.#matrix(z).unflatten(0, [this.#attention.heads, -1]).select(0, head))
    })
  }

  /** What was computed before from the same values, or what is computed now. */
  #once(head: number | undefined, compute: () => Tensor): Tensor {
    const { view } = this.#binding.tracer(this.#out.output)
    const all = computed.get(view) ?? new Map<string, Tensor>()
    computed.set(view, all)
    const [tap] = this.#ins
    const { expression } = stateOf(readActivation(this.#binding, tap)).value
    const writes = expression.kind === 'read' ? expression.writes : 0
    const key = `${head} ${writes} ${tap.key}`
    const known = all.get(key) ?? compute()
    all.set(key, known)
    return known
  }

  /** The taps at which the linear layer, and any other node, reads the heads' mixes. */
  get #ins(): Tap[] {
    const { taps } = this.#binding
    const readers = attentionsOf(this.#binding).flow.readersOf(this.#z.value)
    return readers.map(node => taps.nodeTap(node, 'in', this.#z.value))
  }

  /** The linear layer's matrix, `[in, model width]`, in the dtype of the heads' mixes. */
  #matrix(z: Tensor): Tensor {
    const { form, isTransposed, factor }: Matrix = this.#out.matrix
    const { taps } = this.#binding
    const stored =
      form.kind === 'value' ? this.#binding.read(taps.tensorTap(form.name)) : dequantised(this.#binding, form)
    const matrix = isTransposed ? stored.transpose(0, 1) : stored
    return (factor === 1 ? matrix : matrix.mul(factor)).to(z.type)
  }

  get #writtenBy(): Map<number, Tensor> {
    const { view } = this.#binding.tracer(this.#out.output)
    const all = written.get(view) ?? new Map<Tap, Map<number, Tensor>>()
    written.set(view, all)
    const sum = this.#binding.taps.tensorTap(this.#out.output)
    const by = all.get(sum) ?? new Map<number, Tensor>()
    all.set(sum, by)
    return by
  }
}

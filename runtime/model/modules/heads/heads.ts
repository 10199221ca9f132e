import { asCode } from '../../../errors/as-code.ts'
import { NoSuchMemberError, NotAssignableError } from '../../../errors/members.ts'
import { ArgumentError, IndexError } from '../../../errors/tensor.ts'
import { currentPosition } from '../../../tensor/current-position.ts'
import { guardMembers } from '../../../tensor/members/guard-members.ts'
import { isReadByTools, valueForTools } from '../../../tensor/members/names-tools-read.ts'
import { Tensor } from '../../../tensor/tensor.ts'
import type { TensorLike } from '../../../tensor/values/convert.ts'
import type { Binding } from '../binding.ts'
import { type LayerMethods, listMethod } from '../list-methods.ts'
import { attentionOf } from './attention-of.ts'
import { HeadAccess } from './head-access.ts'

/** The parts of heads that users read and write by name. */
export const HEAD_PARTS = ['q', 'k', 'v', 'scores', 'pattern', 'z', 'result'] as const

const isPart = (name: unknown): name is (typeof HEAD_PARTS)[number] => HEAD_PARTS.includes(name as never)

const INSPECT = Symbol.for('nodejs.util.inspect.custom')

/** The values that one attention head computes, or all heads at once. Reading returns a handle; assigning changes what is computed from it. */
export interface HeadValues {
  /** Queries, with their bias, before a rotary embedding: `[batch, position, width]`; of all heads `[batch, position, head, width]`. */
  get q(): Tensor
  set q(value: TensorLike)
  /** Keys of this pass's tokens, before a rotary embedding. If several heads share them, a write changes them for all of these. */
  get k(): Tensor
  set k(value: TensorLike)
  /** Values of this pass's tokens. If several heads share them, a write changes them for all of these. */
  get v(): Tensor
  set v(value: TensorLike)
  /** The input of the Softmax, after scale and mask: `[batch, query, key]`; of all heads `[batch, head, query, key]`. */
  get scores(): Tensor
  set scores(value: TensorLike)
  /** The weight of each key's value in the mix of each query: `[batch, query, key]`; of all heads `[batch, head, query, key]`. */
  get pattern(): Tensor
  set pattern(value: TensorLike)
  /** The values, mixed by the pattern: `[batch, position, width]`; of all heads `[batch, position, head, width]`. */
  get z(): Tensor
  set z(value: TensorLike)
  /** The head's part of the attention's output, without the bias: `[batch, position, model width]`; of all heads
   * `[batch, position, head, model width]`. A written result replaces the head's part in the output. */
  get result(): Tensor
  set result(value: TensorLike)
}

/** The heads of a module's attention: `attn.heads[3].pattern`, and `attn.heads.pattern` for all heads. */
export interface Heads extends HeadValues, LayerMethods<Head> {
  readonly [index: number]: Head
  /** The number of query heads. */
  readonly length: number
  /** The head of this index; negative ones count from the end. */
  at(index: number): Head
  /** Some of the heads, as an array. */
  slice(start?: number, end?: number): Head[]
  /** The heads, in order. */
  [Symbol.iterator](): Iterator<Head>
  /** The module's path, and the number of heads. */
  toString(): string
}

let newHead: (access: HeadAccess, index: number) => Head

/** One attention head: `model.transformer.h[1].attn.heads[3]`. @throws NoHeadsError for a part that the graph does not have */
export class Head implements HeadValues {
  readonly #access: HeadAccess
  readonly #index: number

  private constructor(access: HeadAccess, index: number) {
    this.#access = access
    this.#index = index
  }

  static {
    newHead = (access, index) => new Head(access, index)
  }

  /** The head's number, from 0. */
  get index(): number {
    return this.#index
  }

  get q(): Tensor {
    return this.#access.read('q', this.#index)
  }

  set q(value: TensorLike) {
    this.#access.write('q', value, this.#index)
  }

  get k(): Tensor {
    return this.#access.read('k', this.#index)
  }

  set k(value: TensorLike) {
    this.#access.write('k', value, this.#index)
  }

  get v(): Tensor {
    return this.#access.read('v', this.#index)
  }

  set v(value: TensorLike) {
    this.#access.write('v', value, this.#index)
  }

  get scores(): Tensor {
    return this.#access.read('scores', this.#index)
  }

  set scores(value: TensorLike) {
    this.#access.write('scores', value, this.#index)
  }

  get pattern(): Tensor {
    return this.#access.read('pattern', this.#index)
  }

  set pattern(value: TensorLike) {
    this.#access.write('pattern', value, this.#index)
  }

  get z(): Tensor {
    return this.#access.read('z', this.#index)
  }

  set z(value: TensorLike) {
    this.#access.write('z', value, this.#index)
  }

  get result(): Tensor {
    return this.#access.read('result', this.#index)
  }

  set result(value: TensorLike) {
    this.#access.write('result', value, this.#index)
  }

  /** `transformer.h.1.attn.heads[3]` */
  toString(): string {
    return this.#access.label('', this.#index)
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return `[Head ${this}]`
  }
}

const has = `it has ${HEAD_PARTS.join(', ')}`

guardMembers<Head>(Head.prototype, {
  isOwn: (self): self is Head => self instanceof Head,
  counted: [],
  read: (head, name) =>
    new NoSuchMemberError(String(head), name, adviceFor(name, asCode(String(head))), currentPosition()),
  write: (head, name) =>
    new NotAssignableError(`${name} of ${head}`, `assign to one of its parts: ${has}`, currentPosition()),
  uncalled: name => new ArgumentError(`${name} of a head is a method, but was not called.`, currentPosition()),
})

function adviceFor(name: string, code: string): string {
  if (name === 'output') return `write ${code}.result, what it adds to the output, or ${code}.z, its mix of values`
  if (name === 'attention' || name === 'weights') return `write ${code}.pattern`
  return name in Tensor.prototype ? `pick a part: ${code}.z.${name}` : has
}

/** The heads of a module: a list, and the parts of all heads at once. */
export function headsOf(binding: Binding, path: string): Heads {
  const label = `${path === '' ? '' : `${path}.`}heads`
  const access = new HeadAccess(
    binding,
    labelOfPart => attentionOf(binding, binding.module(path), labelOfPart),
    (part, head) => `${label}${head === undefined ? '' : `[${head}]`}${part && `.${part}`}`,
  )
  const all = (): Head[] => Array.from({ length: access.count }, (_, index) => newHead(access, index))
  const at = (index: number): Head => {
    const { count } = access
    const from = index < 0 ? index + count : index
    if (Number.isInteger(from) && from >= 0 && from < count) return newHead(access, from)
    throw new IndexError(
      `There is no ${label}[${index}]: the attention has ${count} heads`,
      currentPosition(),
      `they are [0] to [${count - 1}]; from the end, .at(-1)`,
    )
  }
  const target = Object.defineProperty({}, INSPECT, { value: () => `[Heads ${label}, ${access.count}]` })
  const heads = new Proxy(target, {
    get(_, key) {
      if (key === INSPECT) return Reflect.get(target, key)
      if (key === Symbol.iterator) return () => all()[Symbol.iterator]()
      if (typeof key === 'symbol' || key === 'then') return undefined
      if (isPart(key)) return access.read(key)
      if (key === 'length') return access.count
      if (key === 'at') return at
      if (key === 'slice') return (start?: number, end?: number) => all().slice(start, end)
      if (key === 'toString') return () => `${label}: ${access.count} heads`
      if (/^\d+$/.test(key)) return at(Number(key))
      const method = listMethod(key, all)
      if (method) return method
      if (key === 'toJSON' || isReadByTools(key)) return valueForTools(key, target)
      const fix = /^-\d+$/.test(key) ? `write .at(${key})` : adviceFor(key, `${asCode(label)}[0]`)
      throw new NoSuchMemberError(label, /^-\d+$/.test(key) ? `[${key}]` : key, fix, currentPosition())
    },
    set(_, key, value) {
      if (isPart(key)) {
        access.write(key, value)
        return true
      }
      const name = /^-?\d+$/.test(String(key)) ? `${label}[${String(key)}]` : `${String(key)} of ${label}`
      throw new NotAssignableError(name, `assign to a part: ${asCode(label)}[0].z = …; ${has}`, currentPosition())
    },
    has: (_, key) => isPart(key) || key === 'length',
  }) as Heads
  lists.add(heads)
  return heads
}

const lists = new WeakSet<object>()

/** Whether something is a head, or the heads of a module. */
export const isHeads = (value: unknown): value is Head | Heads =>
  value instanceof Head || (typeof value === 'object' && value !== null && lists.has(value))

import { asCode } from '../../errors/as-code.ts'
import { NoSuchMemberError, NotAssignableError } from '../../errors/members.ts'
import { nearestNames } from '../../errors/nearest-names.ts'
import { ArgumentError } from '../../errors/tensor.ts'
import { currentPosition } from '../current-position.ts'
import { stateOf, Tensor } from '../tensor.ts'
import { guardMembers } from './guard-members.ts'

/*
 * Members that tensors have in nnsight, PyTorch and NumPy but not in onnsight, with what to write instead. JavaScript returns undefined for
 * a member that does not exist and accepts any assignment, so without these errors each would go wrong silently.
 */

/** For each name, what to write instead; `h` is the tensor. */
const instead: Readonly<Record<string, string>> = {
  shape: 'h.dims',
  ndim: 'h.rank',
  numel: 'h.size, a number',
  length: 'h.dims[0] for the length of the first axis, h.size for the number of elements',
  dtype: 'h.type',
  itemsize: 'h.data.BYTES_PER_ELEMENT on a computed tensor',
  astype: "h.to('float16')",
  t: 'h.T',
  H: 'h.mT',
  save: 'save(h)',
  grad: 'change what flows back there: withGrad(h, g => …)',
  backward: 'change what flows back there: withGrad(h, g => …)',
  requires_grad: 'gradients are not computed: leave it out',
  requires_grad_: 'gradients are not computed: leave it out',
  retain_grad: 'gradients are not computed: leave it out',
  detach: 'h: there are no gradients to detach from',
  cpu: 'h: a value that is read is in JavaScript already',
  cuda: "h, and load(path, { provider: 'cuda' })",
  device: "model.… of load(path, { provider: 'cuda' }): tensors have no device",
  numpy: 'await h.value(), and then .data or .tolist()',
  array: 'await h.value(), and then .data or .tolist()',
  source: 'model.….ops, the operations of a module',
  ops: 'model.….ops, the operations of a module',
  output: 'h: it is the output already',
  input: 'h: it is the value already',
  outputs: 'model.….outputs, the values that leave a module',
  inputs: 'model.….inputs, the values that enter a module',
  ravel: 'h.flatten()',
  copy: 'h.clone()',
  square: 'h.pow(2)',
  clip: 'h.clamp(min, max)',
  absolute: 'h.abs()',
  negative: 'h.neg()',
  negate: 'h.neg()',
  multiply: 'h.mul(x)',
  times: 'h.mul(x)',
  divide: 'h.div(x)',
  subtract: 'h.sub(x)',
  minus: 'h.sub(x)',
  plus: 'h.add(x)',
  equal: 'h.eq(x).all()',
  equals: 'h.eq(x).all()',
  allclose: "closeTo(h, x) of 'onnsight/testing'",
  greater: 'h.gt(x)',
  less: 'h.lt(x)',
  logical_and: 'h.and(x)',
  logical_or: 'h.or(x)',
  logical_not: 'h.not()',
  bfloat16: "h.to('bfloat16')",
  index_put: 'h.assign(slice, value)',
  get: 'h.slice(s`0`)',
  at: 'h.slice(s`-1`)',
  map: '[...h].map(row => …)',
  forEach: 'for (const row of h) …',
  filter: 'a loop: for (const row of h) if (…) …',
  push: 'cat([h, x]) or stack([h, x])',
  concat: 'cat([h, x])',
}

/** Members that arrays have too. */
const OF_LISTS = new Set(['length', 'map', 'forEach', 'filter', 'push', 'concat', 'get', 'at'])

/** In PyTorch, a method whose name ends in an underscore changes the tensor itself. */
const IN_PLACE = /^([a-z]\w*?)_$/
const INDEX = /^-?\d+(,-?\d+)*$/
/** A slice used as a key: `h[':, -1']`. */
const SLICE = /^(?=.*[:.\d]|None)(?:[\d\s:,.[\]-]|None)+$/

const isTensor = (value: unknown): value is Tensor => value instanceof Tensor
const toCamelCase = (name: string): string =>
  name.replace(/(?<=[a-z0-9])_+([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())

/** Returns the text between the brackets as a slice; undefined if it is none. */
const sliceOf = (key: string): string | undefined => {
  if (key.startsWith('s`')) return key
  return INDEX.test(key) || SLICE.test(key) ? `s\`${key}\`` : undefined
}

function adviceFor(name: string): string {
  const known = Object.hasOwn(instead, name) ? instead[name] : undefined
  if (known) return known.startsWith('gradients') ? known : `write ${known}`
  const camel = toCamelCase(name)
  if (camel !== name && camel in Tensor.prototype) return `write h.${camel}`
  const inner = IN_PLACE.exec(name)?.[1]
  if (inner)
    return `tensors never change: write the result where it is to stand, model.….output = h.${camelOf(inner)}(…)`
  const near = nearest(name)
  return near ? `write h.${near}` : 'look for it among the operations, in docs/operations.md'
}

/** Says what to write in place of a name that tensors do not have, `write h.dims`; undefined for a name that no library's tensors have. */
export function inTensors(name: string): string | undefined {
  if (OF_LISTS.has(name)) return undefined
  if (Object.hasOwn(instead, name)) return adviceFor(name)
  const camel = toCamelCase(name)
  return camel in Tensor.prototype && !(camel in Object.prototype) ? `write h.${camel}` : undefined
}

const camelOf = (name: string): string => (name in Tensor.prototype ? name : toCamelCase(name))

function nearest(name: string): string | undefined {
  return nearestNames(name, Object.getOwnPropertyNames(Tensor.prototype), 1)[0]
}

/** Returns the tensor's path in the model as it is written, or else its label. */
const labelOf = (tensor: Tensor): string => {
  const { label } = stateOf(tensor)
  return label.includes(' ') ? `${label[0].toUpperCase()}${label.slice(1)}` : label
}

function read(tensor: Tensor, name: string): Error {
  const slice = sliceOf(name)
  if (!slice) return new NoSuchMemberError(labelOf(tensor), name, adviceFor(name), currentPosition())
  const code = asCode(stateOf(tensor).label)
  const isTuple = name === '0' && stateOf(tensor).isPlace
  return new NoSuchMemberError(
    labelOf(tensor),
    `[${name}]: JavaScript can't index a tensor`,
    isTuple
      ? `leave out [0]: ${code} is the tensor itself, not a tuple; its first part is ${code}.slice(${slice})`
      : `write ${code}.slice(${slice})`,
    currentPosition(),
  )
}

function write(tensor: Tensor, name: string): Error {
  const slice = sliceOf(name)
  const code = asCode(stateOf(tensor).label)
  const place = stateOf(tensor).isPlace ? code : 'model.….output'
  if (!slice) {
    const fix =
      name === 'grad'
        ? 'change what flows back there: withGrad(h, g => …)'
        : stateOf(tensor).isPlace
          ? `write the place itself: ${code} = …, or a part of it, ${code}.set(s\`:, -1\`, …)`
          : 'tensors never change: make another one, and write it into a place, model.….output = …'
    return new NotAssignableError(`${name} of ${stateOf(tensor).label}`, fix, currentPosition())
  }
  const whole = name === '0' && stateOf(tensor).isPlace ? `; all of it, as no tuple leaves here: ${code} = …` : ''
  const fix = stateOf(tensor).isPlace
    ? `write ${place}.set(${slice}, …)${whole}`
    : `make a changed copy, h.assign(${slice}, …), and write it into a place: model.….output = …`
  return new NotAssignableError(`[${name}] of ${stateOf(tensor).label}`, fix, currentPosition())
}

/** Makes tensors refuse unknown members. Call this once all operations are on the prototype. */
export function guardTensors(): void {
  guardMembers<Tensor>(Tensor.prototype, {
    isOwn: isTensor,
    counted: ['tolist', 'item', 'value', 'set'],
    read,
    write,
    uncalled: name =>
      new ArgumentError(`${name} of a tensor is a method, but was not called.`, currentPosition(), `write h.${name}()`),
  })
}

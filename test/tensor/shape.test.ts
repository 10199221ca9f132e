import { readFileSync } from 'node:fs'
import test from 'ava'
import { arange, cat, eye, linspace, oneHot, stack, type Tensor, tensor } from 'onnsight'
import type { HeldType } from '#dist/runtime/tensor/dtypes/dtype.js'
import { dimsOf, recordOne } from '#dist/runtime/tensor/tensor.js'
import '../one-thread.ts'

interface Encoded {
  readonly dims: number[]
  readonly type: HeldType
  readonly data: number[]
}
type Argument = number | Encoded | Argument[]
type Line = [method: string, self: Encoded | null, args: Argument[], result: Encoded | Encoded[]]

const lines = readFileSync(new URL('../reference/shape.json', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map(line => JSON.parse(line) as Line)

const functions: Record<string, (...args: never[]) => unknown> = {
  '.cat': cat,
  '.stack': stack,
  '.arange': arange,
  '.linspace': linspace,
  '.eye': eye,
  '.oneHot': oneHot,
}

const isEncoded = (value: unknown): value is Encoded => typeof value === 'object' && value !== null && 'data' in value

function decode(argument: Argument, isKnown: boolean): unknown {
  if (isEncoded(argument)) return decodeTensor(argument, isKnown)
  return Array.isArray(argument) ? argument.map(item => decode(item, isKnown)) : argument
}

/** Decodes a tensor. If `isKnown` is false, the run computes it, and its dims are not known before. */
function decodeTensor({ dims, type, data }: Encoded, isKnown: boolean): Tensor {
  const made = tensor(data, { type, dims })
  return isKnown ? made : recordOne('Identity', [made], { type, dims: dims.map(() => undefined) })
}

function apply([method, self, args]: Line, isKnown: boolean): Tensor[] {
  const decoded = args.map(argument => decode(argument, isKnown))
  if (!self) return [functions[method](...(decoded as never[])) as Tensor]
  const target = decodeTensor(self, isKnown) as unknown as Record<string, unknown>
  const member = target[method]
  const result = typeof member === 'function' ? member.apply(target, decoded) : member
  return (Array.isArray(result) ? result : [result]) as Tensor[]
}

const rounded = (type: HeldType, data: number[]): number[] => (type === 'float16' ? data.map(Math.fround) : data)

async function fault(line: Line, isKnown: boolean): Promise<string | undefined> {
  const results = apply(line, isKnown)
  const expected = [line[3]].flat()
  if (results.length !== expected.length) return `gives ${results.length} tensors, not ${expected.length}`
  for (const [i, result] of results.entries()) {
    const { dims, type, data } = expected[i]
    const predicted = isKnown || dimsOf(result) ? result.dims : undefined
    const value = await result.value()
    if (value.type !== type || result.type !== type) return `gives ${value.type}, not ${type}`
    if (String(value.dims) !== String(dims)) return `gives [${value.dims}], not [${dims}]`
    const isWrong = predicted?.some((dim, axis) => (dim ?? (isKnown ? -1 : dims[axis])) !== dims[axis])
    const counts = ['nonzero', 'maskedSelect'].includes(line[0])
    if (predicted && (predicted.length !== dims.length || (isWrong && !counts)))
      return `is recorded as [${predicted.map(dim => dim ?? '?')}], not [${dims}]`
    const got = Array.from(value.data as ArrayLike<number | bigint>, Number)
    if (String(got) !== String(rounded(type, data))) return `gives ${got}, not ${data}`
  }
  return undefined
}

const methods = [...new Set(lines.map(([method]) => method))]

for (const method of methods) {
  test(`${method} is PyTorch's`, async t => {
    for (const line of lines.filter(([own]) => own === method)) {
      const what = `${method} of ${line[1]?.type} [${line[1]?.dims}] with ${JSON.stringify(line[2])}`
      t.is(await fault(line, true).catch(String), undefined, what)
    }
  })
}

/** Matches the errors of operations that need the length of an axis. */
const needKnown = /not known|depend on the data/

/** squeeze(dim) leaves a dim that is not 1 unchanged. But an unknown dim must turn out to be 1, because the rank would not be known. */
const isUnlike = ([method, self, args]: Line): boolean =>
  method === 'squeeze' && args.flat().some(dim => self?.dims.at(dim as number) !== 1)

for (const method of methods) {
  test(`${method} of a tensor of unknown dims`, async t => {
    for (const line of lines.filter(line => line[0] === method && !isUnlike(line))) {
      const what = `${method} of ${line[1]?.type} [${line[1]?.dims}] with ${JSON.stringify(line[2])}`
      const found = await fault(line, false).catch(String)
      if (found !== undefined && needKnown.test(found)) t.regex(method, /^(unbind|split|chunk|diagonal)$/, what)
      else t.is(found, undefined, what)
    }
  })
}

const counting = (...dims: number[]): Tensor => {
  const size = dims.reduce((a, b) => a * b, 1)
  return tensor(
    Float32Array.from({ length: size }, (_, i) => i),
    { dims },
  )
}
const veiled = (x: Tensor): Tensor => recordOne('Identity', [x], { type: x.type, dims: x.dims.map(() => undefined) })

const refused: [string, () => unknown, RegExp][] = [
  ['reshape to a 0 and a -1', () => counting(0, 3).reshape(0, -1), /beside a 0, the -1 of \[0, -1\] could be anything/],
  ['reshape of unknown dims to a 0 and a -1', () => veiled(counting(0, 3)).reshape(-1, 0), /beside a 0/],
  ['reshape to another size', () => counting(2, 3).reshape(4, -1), /6 elements, which do not fit/],
  ['flatten of a dim that a scalar lacks', () => counting().flatten(1), /no dim 1/],
  ['narrow past the end', () => counting(4).narrow(0, 2, 3), /leave dim 0/],
  ['expand of a dim that is not 1', () => counting(4).expand(1), /\[4\] can't become \[1\]/],
  ['oneHot of a class too many', () => oneHot(tensor([3], { type: 'int64' }), 3), /no class 3 among 3/],
  ['oneHot of a negative class', () => oneHot(tensor([-1], { type: 'int64' }), 3), /no class -1/],
  ['gather out of range', () => counting(4).gather(0, [4]), /index 4 is out of range/],
  ['cat of other dims', () => cat([counting(2, 3), counting(2, 4)]), /differ in more than dim 0/],
]
for (const [name, act, message] of refused) {
  test(`refused when it is recorded: ${name}`, t => {
    t.throws(act, { message })
  })
}

/** With known dims these are refused at once. With unknown ones, the run must not return other dims than were recorded. */
const refusedByRun: Record<string, () => Tensor> = {
  'narrow past the end': () => veiled(counting(4)).narrow(0, 2, 3),
  'narrow before the start': () => veiled(counting(4, 2)).narrow(0, -5, 2),
  'expand to 1': () => veiled(counting(4)).expand(1),
  'expand to 1 beside a new dim': () => veiled(counting(4, 2)).expand(3, 1, -1),
}
for (const [name, act] of Object.entries(refusedByRun)) {
  test(`refused by the run: ${name}`, async t => {
    await t.throwsAsync(act().value())
  })
}

import test from 'ava'
import * as api from 'onnsight'
import { OnnsightError, Tensor, tensor } from 'onnsight'
import { functionArguments, methodArguments } from '#dist/runtime/tensor/arguments/signatures.js'
import { bytes, run } from './run.ts'

// Calls every operation with the same arguments from TypeScript and in a template. Both give the same result, or both refuse the call.

const square = tensor([
  [1, 5, 2],
  [4, 3, 6],
  [9, 7, 8],
])
const ints = tensor([2n, 0n, 1n])
const table = tensor([
  [0n, 1n, 2n],
  [2n, 1n, 0n],
  [1n, 1n, 1n],
])
const mask = square.gt(4)
const vector = tensor([1, 2, 3])
const batch = square.unsqueeze(0)

/** The values that are tried for each argument. */
const values: Readonly<Record<string, readonly unknown[]>> = {
  other: [square, 2, batch, vector],
  dim: [-1, 0],
  dims: [[2, 2], -1, [1], [0, 1], [], undefined],
  shape: [[3], [1, 3, 3], [9]],
  '...shape': [[9], [3, 3], [1, 3, 3]],
  '...times': [[2], [2, 1, 1]],
  '...which': [[0], [0, 1], []],
  '...order': [[1, 0]],
  '...operands': [[square, square]],
  sizes: [[1, 2], 1, [3, 1]],
  tensors: [
    [square, square],
    [vector, vector],
  ],
  data: [
    [1, 2, 3],
    [
      [1, 2],
      [3, 4],
    ],
    5,
    [true, false],
  ],
  value: [0, 2],
  source: [square, 1],
  indices: [table, ints, [0, 1], 1],
  index: [1],
  mask: [mask],
  condition: [mask],
  a: [0, square],
  b: [1, square],
  target: [square, ints],
  equation: ['ij,jk->ik'],
  spec: [0],
  type: ['float32', 'int64'],
  shifts: [1, [1, 2]],
  k: [2],
  p: [2, 1],
  alpha: [0.5, undefined],
  negativeSlope: [0.2, undefined],
  count: [3],
  loss: [square.mul(square).sum()],
  at: [square],
  tangents: [square.add(1)],
  tensor: [square],
  gradient: [2, undefined],
  times: [2],
  diagonal: [0, 1],
  offset: [0],
  min: [2, undefined],
  max: [5],
  from: [0],
  to: [1],
  start: [0, 1],
  end: [1, 5],
  step: [1, undefined],
  steps: [3],
  length: [2],
  rows: [2],
  columns: [3, undefined],
  ids: [ints],
  classes: [3],
  low: [0],
  high: [10],
}
const options: Readonly<Record<string, unknown>> = {
  approximate: 'tanh',
  weight: vector,
  bias: vector,
  eps: 0.5,
  keepdim: true,
  correction: 0,
  largest: false,
  sorted: true,
  descending: true,
  reduction: 'sum',
  ignoreIndex: 0,
  logTarget: true,
  gradient: 2,
  seed: 7,
  type: 'float64',
  dims: [3, 1],
}
const CASES = 24

/** The tensor on which a method is called, if a matrix does not fit. */
const selves: Readonly<Record<string, Tensor>> = {
  not: mask,
  bmm: batch,
  dot: vector,
  outer: vector,
  crossEntropy: square,
}

interface Arguments {
  readonly positional: readonly unknown[]
  readonly named: Readonly<Record<string, unknown>>
}

/** The argument lists that are tried for a declaration: without options, with each option, and with all of them. */
function argumentsFor(declared: string): Arguments[] {
  const named = /\{ (.*) \}$/.exec(declared)?.[1].split(', ') ?? []
  const plain = declared
    .replace(/(, )?\{.*\}$/, '')
    .split(', ')
    .filter(name => name !== '')
  let lists: unknown[][] = [[]]
  for (const name of plain) {
    const choices = values[name]
    if (!choices) throw new Error(`Add a value for ${name}.`)
    const spread = name.startsWith('...')
    lists = lists.flatMap(list =>
      choices.flatMap(choice =>
        spread
          ? [
              [...list, ...(choice as unknown[])],
              [...list, choice],
            ]
          : [[...list, choice]],
      ),
    )
  }
  const given = (names: readonly string[]) => Object.fromEntries(names.map(name => [name, options[name]]))
  const choices = [{}, ...named.map(name => given([name])), given(named)]
  return lists.slice(0, CASES).flatMap(positional => choices.map(chosen => ({ positional, named: chosen })))
}

function text(value: unknown, inserted: unknown[]): string {
  if (value instanceof Tensor) {
    inserted.push(value)
    return '${}'
  }
  if (Array.isArray(value)) return `[${value.map(item => text(item, inserted)).join(', ')}]`
  if (value === undefined) return 'None'
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  return typeof value === 'string' ? `'${value}'` : String(value)
}

type Outcome = { readonly given: Readonly<Record<string, string>> } | { readonly refused: string }

async function settle(result: () => unknown): Promise<Outcome> {
  try {
    const given = await result()
    const named = given instanceof Tensor ? { x: given } : Object.entries(given as Record<string, Tensor>)
    const parts = Array.isArray(named) ? named : Object.entries(named)
    const computed = parts.map(async ([name, part]) => [name, bytes(await part.clone().value())] as const)
    return { given: Object.fromEntries(await Promise.all(computed)) }
  } catch (error) {
    return { refused: error instanceof OnnsightError ? error.code : String(error) }
  }
}

/** A template that saves the result of a call: one tensor, or those of a list or a record by their names. */
function program(call: string, direct: Outcome): string {
  const names = 'given' in direct ? Object.keys(direct.given) : ['x']
  if (names.join() === 'x') return `save x = ${call}`
  return [
    `r = ${call}`,
    ...names.map((name, i) => `save p${i} = r${/^\d/.test(name) ? `[${name}]` : `.${name}`}`),
  ].join('\n')
}

const byName = (direct: Outcome, saved: Record<string, Tensor>): Record<string, Tensor> =>
  'given' in direct && Object.keys(direct.given).join() !== 'x'
    ? Object.fromEntries(Object.keys(direct.given).map((name, i) => [name, saved[`p${i}`]]))
    : saved

/** Words of the language, which can't be called as operations: there are only operators and methods for them. */
const words = new Set(['and', 'or', 'not', 'var'])

/** The ways to call it in a template: a method can be called as a method and by its bare name. */
function calls(name: string, self: Tensor | undefined, { positional, named }: Arguments) {
  const written = (isMember: boolean) => {
    const inserted: unknown[] = []
    const first = self ? text(self, inserted) : undefined
    const parts = positional.map(value => text(value, inserted))
    for (const [key, value] of Object.entries(named)) parts.push(`${key}=${text(value, inserted)}`)
    const call = isMember
      ? `${first}.${name}(${parts.join(', ')})`
      : `${name}(${[...(first ? [first] : []), ...parts].join(', ')})`
    return { call, inserted }
  }
  if (!self) return [written(false)]
  return words.has(name) || name in functionArguments ? [written(true)] : [written(true), written(false)]
}

for (const [kind, signatures] of Object.entries({ functions: functionArguments, methods: methodArguments })) {
  test(`${kind}: what can be called in one form can be called in the other, with the same result`, async t => {
    const never: string[] = []
    for (const [name, declared] of Object.entries(signatures)) {
      const own = kind === 'methods' ? (selves[name] ?? square) : undefined
      const callee = (own ?? api) as unknown as Record<string, (...args: unknown[]) => unknown>
      let worked = 0
      for (const args of argumentsFor(declared)) {
        const { positional, named } = args
        const all = Object.keys(named).length > 0 ? [...positional, named] : positional
        const direct = await settle(() => callee[name](...all))
        if ('given' in direct) worked++
        for (const { call, inserted } of calls(name, own, args)) {
          const saved = await settle(async () => byName(direct, await run(program(call, direct), inserted)))
          if ('given' in direct || 'given' in saved) t.deepEqual(saved, direct, call)
          // TypeScript refuses arguments of a wrong kind when it compiles, and a template when it runs.
          else if (direct.refused.startsWith('TypeError')) t.is(saved.refused, 'template', call)
          else t.is(saved.refused, direct.refused, call)
        }
      }
      if (worked === 0) never.push(name)
    }
    // It gives nothing, and needs a value that the trace computes.
    t.deepEqual(never, kind === 'methods' ? ['backward'] : [], 'add arguments that fit')
  })
}

test('random numbers without a seed are refused by name, in either form', async t => {
  for (const call of ['rand([2, 2])', 'randn([2, 2])', 'randint(0, 5, [2, 2])', 'randperm(4)']) {
    const error = await t.throwsAsync(run(`save x = ${call}`))
    t.regex(error!.message, /seed/, call)
    const direct = t.throws(() => new Function('api', `return api.${call}`)(api))
    t.is((direct as OnnsightError).code, 'argument', call)
    t.regex(direct!.message, /seed/, call)
  }
})

import test from 'ava'
import * as api from 'onnsight'
import { load, OnnsightError, Tensor, tensor } from 'onnsight'
import { functionArguments, methodArguments, signatureOf } from '#dist/runtime/tensor/arguments/signatures.js'
import { expand, IMPORT } from '../macro/expand.ts'

/* Every public method and function refuses surplus arguments, and arguments of a wrong kind, with onnsight's own error. */

const model = await load('test/fixtures/models/chars.onnx')
const ids = [[18, 47, 56, 57]]
const h = tensor([
  [1, 2],
  [3, 4],
])

/** A valid value for each argument. */
const good: Record<string, unknown> = {
  ...{ dim: 0, dims: 0, start: 0, end: 1, length: 1, k: 1, count: 1, offset: 0, diagonal: 0, a: 0, b: 1, times: 2 },
  ...{ shifts: 1, sizes: 1, from: 0, to: 1, shape: 2, p: 2, other: h, value: 1, indices: [0], target: [0, 1] },
  ...{ condition: true, min: 0, max: 1, type: 'float32', spec: '0', index: 0, mask: [[true, false]] },
  source: [
    [1, 2],
    [3, 4],
  ],
}
const ofFunctions: Record<string, unknown> = {
  ...good,
  ...{ dims: [2], tensors: [h, h], equation: 'ij->ji', data: 1, start: 0, end: 3, step: 1, steps: 2, rows: 2 },
  ...{ columns: 2, ids: h.long(), classes: 5, low: 0, high: 3, count: 3 },
  ...{ loss: h.sum(), at: h, tensor: h, tangents: h },
}
const junk: Record<string, unknown> = {
  ...{ undefined: undefined, null: null, text: 'x', NaN: Number.NaN, fraction: 1.5, object: {}, options: { a: 1 } },
  ...{ list: [], fractions: [1.5], true: true, promise: Promise.resolve(1), map: new Map(), date: new Date() },
  ...{
    large: 99,
    negative: -99,
    bigint: 1n,
    infinite: Number.POSITIVE_INFINITY,
    symbol: Symbol('x'),
    function: () => 1,
  },
}

type Operation = (...args: unknown[]) => unknown

/** Runs a call. Returns undefined if it is accepted, or refused with onnsight's own error; otherwise the error. */
async function raw(run: () => unknown): Promise<string | undefined> {
  try {
    const given = await run()
    for (const one of [given].flat()) if (one instanceof Tensor) await one.value()
  } catch (error) {
    if (!(error instanceof OnnsightError)) return String(error)
  }
  return undefined
}

const methods = Object.entries(methodArguments).map(
  ([name, declared]) => [name, declared, (h as unknown as Record<string, Operation>)[name].bind(h), good] as const,
)
const functions = Object.entries(functionArguments).map(
  ([name, declared]) => [name, declared, (api as unknown as Record<string, Operation>)[name], ofFunctions] as const,
)

for (const [kind, operations] of Object.entries({ methods, functions })) {
  test(`${kind}: an argument too many is refused, and the count is told`, t => {
    for (const [name, declared, run, given] of operations) {
      const { plain, rest, options } = signatureOf(declared)
      if (rest) continue
      const args = plain.map(argument => given[argument])
      const error = t.throws(
        () => run(...args, ...(options.length > 0 ? [{}] : []), 0),
        { any: true },
        name,
      ) as OnnsightError
      t.is(error.code, 'argument', `${name}: ${error.message}`)
      t.regex(error.message, /takes (no arguments|\d+ arguments?), and was given \d+: the others would be dropped/)
    }
  })

  test(`${kind}: options that are none, and options of a wrong kind, are refused`, t => {
    for (const [name, declared, run, given] of operations) {
      const { plain, options } = signatureOf(declared)
      if (options.length === 0) continue
      const args = plain.map(argument => given[argument])
      for (const wrong of [true, 'tanh', 5, () => 1, h]) {
        const error = t.throws(() => run(...args, wrong), { any: true }, name) as OnnsightError
        t.is(error.code, 'argument', `${name}(…, ${String(wrong)})`)
      }
      const unknown = t.throws(() => run(...args, { optoin: 1 }), { any: true }, name) as OnnsightError
      t.is(unknown.code, 'unknown-option', name)
      for (const option of options.filter(one => !/^(weight|bias|seed|dims|gradient)$/.test(one)))
        for (const wrong of [null, [], {}, Symbol('x')]) {
          const seed = options.includes('seed') ? { seed: 0 } : {}
          const error = t.throws(
            () => run(...args, { ...seed, [option]: wrong }),
            { any: true },
            `${name} ${option}`,
          ) as OnnsightError
          t.is(error.code, 'argument', `${name}: ${option}`)
        }
    }
  })

  test(`${kind}: arguments of a wrong kind are taken or refused, and nothing else is thrown`, async t => {
    const found: string[] = []
    for (const [name, declared, run, given] of operations) {
      const { plain, rest } = signatureOf(declared)
      const args = plain.map(argument => given[argument])
      for (const i of [...plain, ...(rest ? [rest] : [])].keys())
        for (const [what, value] of Object.entries(junk)) {
          const error = await raw(() => run(...args.toSpliced(i, 1, value)))
          if (error) found.push(`${name}, ${what} as argument ${i}: ${error}`)
        }
    }
    t.deepEqual(found, [])
  })
}

/** Calls with a surplus argument, and the advice that tells what it was meant to be. */
const meant: Record<string, [() => unknown, RegExp]> = {
  'an array’s slice': [
    () => (h.slice as Operation)(0, -1),
    /slice\(s`0, -1`\) for an index on each of two axes, or slice\(s`0:-1`\)/,
  ],
  'two dims': [() => (h.sum as Operation)(0, 1, 2), /write sum\(\[0, 1, 2\]\)/],
  'PyTorch’s keepdim': [() => h.sum(-1, true as never), /write \{ keepdim: true \}/],
  'options before dims': [
    () => h.sum({ keepdim: true } as never),
    /options come last: sum\(undefined, \{ keepdim: true \}\)/,
  ],
  'PyTorch’s gelu': [() => h.gelu('tanh' as never), /write \{ approximate: 'tanh' \}/],
  'a dtype that is none': [() => h.to('float' as never), /must be one of float32/],
}

for (const [name, [run, fix]] of Object.entries(meant))
  test(`${name}: what to write`, t => {
    const error = t.throws(run, { any: true }) as OnnsightError
    t.is(error.code, 'argument')
    t.regex(error.message, fix)
  })

test('NumPy’s and PyTorch’s spellings of options are taken by all functions', t => {
  for (const made of [
    api.arange(3, undefined, 1, { dtype: 'int32' } as never),
    api.linspace(0, 1, 2, { dtype: 'int32' } as never),
    api.eye(2, 2, { dtype: 'int32' } as never),
    api.zeros([1], { dtype: 'int32' } as never),
    api.fullLike(h, 1, { dtype: 'int32' } as never),
    api.randint(0, 3, [2], { seed: 0, dtype: 'int32' } as never),
  ])
    t.is(made.type, 'int32')
})

test('methods of tensors, nodes, modules and models refuse arguments too many', async t => {
  const loose = (value: unknown) => value as Record<string, Operation>
  const refuses = async (what: string, run: () => unknown) => {
    const error = (await t.throwsAsync(async () => run(), { any: true }, what)) as OnnsightError
    t.is(error.code, 'argument', `${what}: ${error.message}`)
    t.regex(error.message, /and was given \d+: the others would be dropped/, what)
  }
  for (const name of ['tolist', 'item', 'value']) await refuses(name, () => loose(h)[name](0))
  await refuses('set', () => loose(h).set(0, 1, 2))
  const counts = {
    run: 2,
    trace: 3,
    scan: 2,
    generate: 3,
    edit: 2,
    record: 2,
    runGraph: 2,
    module: 1,
    node: 1,
    tensor: 1,
  }
  for (const [name, count] of Object.entries({
    ...counts,
    session: 1,
    explain: 1,
    save: 2,
    release: 0,
    clearEdits: 0,
    child: 1,
  }))
    await refuses(name, () => loose(model)[name](...new Array(count + 1).fill(0)))
  await model.trace(ids, async m => {
    await refuses('a module', () => (m.lm_head as Operation)(0, 1))
    await refuses('at', () => loose(m.transformer.h).at(0, 1))
    await refuses('slice of layers', () => loose(m.transformer.h).slice(0, 1, 2))
    await refuses('outputAt', () => loose(m.transformer.h[0].attn.ops.Softmax[0]).outputAt(0, 1))
    await refuses('save', () => (api.save as Operation)(1, 2))
    await refuses('skip', () => (api.skip as Operation)(m.transformer.h[0], 0, 1))
    await refuses('cache', () => (api.cache as Operation)({}, {}))
    await refuses('assert', () => (api.assert as Operation)(true, 'x', 1))
    await refuses('barrier', () => (api.barrier as Operation)(1, 2))
    await refuses('iter', () => (api.iter as Operation)(0, () => {}, 1))
    await refuses('all', () => (api.all as Operation)(() => {}, 1))
  })
  for (const name of ['module', 'node', 'tensor', 'child', 'save', 'session', 'explain'])
    for (const wrong of [5, null, {}])
      t.is(
        ((await t.throwsAsync(async () => loose(model)[name](wrong), { any: true })) as OnnsightError).code,
        'argument',
        name,
      )
})

test('forms of the macro refuse them at build time', t => {
  const forms: Record<string, string> = {
    ...{ save: 'save(h, h)', stop: 'stop(1)', skip: 'skip(m, 0, 1)', cache: 'cache({}, {})', barrier: 'barrier(1, 2)' },
    ...{ assert: "assert(h, 'x', 1)", iter: 'iter(0, () => 1, 2)', all: 'all(() => 1, 2)', next: 'next(1)' },
    invoke: 'invoke(a, {}, () => 1)',
  }
  for (const [name, call] of Object.entries(forms)) {
    const error = t.throws(
      () => expand(`${IMPORT}await trace(m, x, async () => {\n  ${call}\n})`),
      { any: true },
      name,
    ) as Error
    t.regex(error.message, new RegExp(`${name}\\(\\) takes .* which would be dropped[^]*> 3 \\|`))
  }
  t.notThrows(() => expand(`${IMPORT}await trace(m, x, () => {\n  save(...all)\n print(1, 2, 3)\n})`))
})

test('set() without a value says that it takes a slice and a value', async t => {
  for (const target of [0, '..., 0', undefined])
    await t.throwsAsync(
      model.trace(ids, m => {
        ;(m.transformer.h[1].output as { set(...args: unknown[]): void }).set(target)
        return m.lm_head.output
      }),
      { instanceOf: OnnsightError, message: /set\(\) has no value to write.*h\.set\('\.\.\.', 0\)/s },
    )
})

import test from 'ava'
import fc from 'fast-check'
import { load, type OnnsightError, type Tensor } from 'onnsight'
import * as internal from 'onnsight/internal'
import { expand, IMPORT, run } from './expand.ts'
import { Toy } from './fake-runtime.ts'

/* In places where JavaScript turns a tensor into a truth value, a key or a number without an operator, the result is right, or an error. */

const model = await load('test/fixtures/models/chars.onnx')
const inputs = { input_ids: [[18, 47, 56, 57]] }

/** Runs the body of a traced block on the real runtime. `h` is [4, 128], `rows` its rows, `n` an integer. */
async function traced(body: string): Promise<unknown> {
  const block = `const h = model.transformer.h[1].output.select(0, 0)
const rows = [...h], n = h.argmax().mod(1).add(2)
${body}`
  const code = expand(
    `${IMPORT}async function main() { return await trace(model, inputs, async () => {\n${block}\n}) }`,
    {
      filename: '/project/src/x.js',
    },
  )
  const script = code.replace(/import \* as (\w+) from "fake-runtime";/, 'const $1 = __runtime;')
  const main = new Function('__runtime', 'model', 'inputs', `'use strict';\n${script}\nreturn main`)(
    internal,
    model,
    inputs,
  )
  return (main as () => Promise<unknown>)()
}

const means = (await model.trace(inputs, m => m.transformer.h[1].output.select(0, 0).mean(-1))).tolist() as number[]
const isAbove = means.map(mean => mean > 0)

/** Forms that wait for the value, and their results. */
const right: Record<string, [string, unknown]> = {
  'switch (h)': [`switch (n) { case 1: return 'one'; case 2: return 'two' } return 'none'`, 'two'],
  'switch (h), no case': [`switch (n) { case 1: return 'one'; default: return 'other' }`, 'other'],
  'case h': [`switch (2) { case n.sub(1): return 'one'; case n: return 'two' } return 'none'`, 'two'],
  'case h > 0': [
    `return rows.length && await Promise.all(rows.map(async row => {
      switch (true) { case row.mean() > 0: return true; default: return false }
    }))`,
    isAbove,
  ],
  'Boolean(h)': ['const out = []; for (const row of rows) out.push(Boolean(row.mean() > 0)); return out', isAbove],
  '!!h': ['const out = []; for (const row of rows) out.push(!!(row.mean() > 0)); return out', isAbove],
  'for (i < h)': ['let i = 0; for (; i < n; i++); return i', 2],
  'a computed key': ['const at = await n.value(); return ["a", "b", "c"][at]', 'c'],
  'keys that are no tensors': [
    `const list = [1, 2], o = { a: 1 }; let k = 'a', i = 0
     list[i++] += 5; o[k] = 2; o[\`b\${i}\`] = 3; const { [k]: a, ...rest } = o; delete list[1]
     return [list, a, rest, k in o, 'z' in o, { [k]: i }, list?.[0]]`,
    [[6, undefined], 2, { b1: 3 }, true, false, { a: 1 }, 6],
  ],
  'callbacks that give no tensors': [
    `const xs = [3, 1, 2], one = x => x === 1
     return [xs.filter(x => x > 1), xs.find(one), xs.findIndex(one), xs.some(one), xs.every(one), xs.findLast(one),
       [0, 1, null].filter(Boolean), [0, 1].map(Boolean), 'abc'.find, new Array(2).length, Array(3).length]`,
    [[3, 2], 1, 1, true, false, 1, [1], [false, true], undefined, 2, 3],
  ],
  'callbacks that give computed tensors': [
    'const known = await Promise.all(rows.map(row => (row.mean() > 0).value())); return known.map((_, i) => i).filter(i => known[i])',
    isAbove.flatMap((is, i) => (is ? [i] : [])),
  ],
}

for (const [name, [body, expected]] of Object.entries(right))
  test(`${name}: as its value`, async t => {
    t.deepEqual(await traced(body), expected)
  })

/** Forms that can't wait. */
const refused: Record<string, [string, string]> = {
  ...Object.fromEntries(
    ['filter', 'find', 'findIndex', 'findLast', 'findLastIndex', 'some', 'every'].flatMap(method => [
      [method, [`return rows.${method}(row => row.mean() > 0)`, 'condition']],
      [
        `${method} with a named callback`,
        [`const test = row => row.mean().gt(0); return rows?.${method}(test)`, 'condition'],
      ],
      [`${method}(Boolean)`, [`return rows.${method}(Boolean)`, 'condition']],
      [
        `layers.${method}`,
        [
          `return model.transformer.h.${method}(layer => layer.output.mean().gt(0))`,
          method === 'findLastIndex' ? 'unknown-module' : 'condition',
        ],
      ],
    ]),
  ),
  'map(Boolean)': ['return rows.map(Boolean)', 'condition'],
  groupBy: ['return Map.groupBy(rows, row => row.mean().gt(0))', 'condition'],
  'sort by a difference': ['return rows.sort((a, b) => a.mean() - b.mean())', 'implicit-conversion'],
  'switch in a function that can’t wait': [
    'return rows.map(row => { switch (row.mean()) { case 1: return 2 } })',
    'condition',
  ],
  'Boolean in a function that can’t wait': ['return rows.map(row => Boolean(row.mean()))', 'condition'],
  'list[h]': ['return [1, 2, 3][n]', 'condition'],
  'obj[h]': ['return ({ a: 1 })[n]', 'condition'],
  'list?.[h]': ['return rows?.[n]', 'condition'],
  'list[h] =': ['rows[n] = 1', 'condition'],
  'list[h] +=': ['const list = [1]; list[n] += 1', 'condition'],
  'list[h]++': ['const list = [1]; list[n]++', 'condition'],
  '{ [h]: 1 }': ['return { [n]: 1 }', 'condition'],
  '{ [h]: a } =': ['const { [n]: a } = {}; return a', 'condition'],
  'h in x': ['return n in { 2: 1 }', 'condition'],
  'layers[h]': ['return model.transformer.h[n].output', 'condition'],
  'new Array(h)': ['return new Array(n)', 'condition'],
  'Array(h)': ['return Array(n)', 'condition'],
  'a switch on many elements': ['switch (h) { case 1: }', 'condition'],
  'Boolean of many elements': ['return Boolean(h)', 'condition'],
  'Math.max(h)': ['return Math.max(n)', 'implicit-conversion'],
  'isNaN(h)': ['return isNaN(n)', 'implicit-conversion'],
  'Number(h)': ['return Number(n)', 'implicit-conversion'],
  '+h': ['return +n', 'implicit-conversion'],
  '~h': ['return ~n', 'implicit-conversion'],
  'h & h': ['return h.gt(0) & h.lt(1)', 'implicit-conversion'],
  'h++': ['let m = n; m++; return m', 'implicit-conversion'],
  'Array.from({ length: h })': ['return Array.from({ length: n })', 'implicit-conversion'],
  'JSON.stringify(h)': ['return JSON.stringify({ n })', 'not-computed'],
}

for (const [name, [body, code]] of Object.entries(refused))
  test(`${name}: refused, at its line`, async t => {
    if (name === 'groupBy' && !('groupBy' in Map)) return t.pass()
    const error = (await t.throwsAsync(traced(body))) as OnnsightError
    t.is(error.code, code, error.message)
    t.regex(error.message, /\n {2}Do this: \S/)
    if (code !== 'not-computed') t.regex(error.message, /src\/x\.js:\d+/)
  })

/** Forms that are refused when the file is built, and the advice what to write instead. */
const atBuild: Record<string, [string, RegExp]> = {
  'a slice as a key': ['return h[s`:, -1`]', /Write h\.slice\(s`:, -1`\)/],
  'writing it': ['h[s`:, -1`] = 0', /Write h\.set\(s`:, -1`, …\)/],
  'writing it into a place': [
    'model.lm_head.output[s`:, ${1}:`] = 0',
    /Write model\.lm_head\.output\.set\(s`:, \$\{…\}:`, …\)/,
  ],
  'adding to it': ['model.lm_head.output[s`0`] += 1', /Write model\.lm_head\.output\.set\(s`0`, …\)/],
  'two indices': ['return h[0, 1]', /Write h\.slice\(s`0, 1`\)/],
  'writing two indices': ['model.lm_head.output[0, 1] = 5', /Write model\.lm_head\.output\.set\(s`0, 1`, …\)/],
  'nnsight: a tuple’s part': [
    'return model.transformer.h[1].output[0]',
    /Leave out \[0\], as model\.transformer\.h\[1\]\.output is/,
  ],
  'nnsight: writing it': [
    'model.transformer.h[1].output[0] = 0',
    /all of it, as no tuple leaves here: model\.transformer\.h\[1\]\.output = …/,
  ],
  'a negative index': ['return model.lm_head.output[-1]', /Write model\.lm_head\.output\.slice\(s`-1`\)/],
  'a property of a place': ['model.lm_head.output.grad = 0', /model\.lm_head\.output\.grad = … would be lost/],
  'an operation': ['model.transformer.h[0].attn.ops.Softmax[0] = 0', /ops\.Softmax\[0\]\.output = …/],
  'all operations of a kind': ['model.transformer.h[0].attn.ops.Softmax = 0', /ops\.Softmax\[0\]\.output = …/],
  'the output of a list': ['return model.transformer.h[0].attn.ops.Softmax.output', /ops\.Softmax\[0\]\.output/],
}

for (const [name, [body, message]] of Object.entries(atBuild))
  test(`${name}: refused at build time, with a code frame`, t => {
    const code = `${IMPORT}await trace(model, inputs, () => {\n  const h = model.lm_head.output\n  ${body}\n})`
    const error = t.throws(() => expand(code))
    t.regex(error!.message, message)
    t.regex(error!.message, /> 4 \|/)
  })

test('of other objects, none of this is refused', t => {
  const body = `const data = { output: [1, 2], ops: { a: [1] } }
  data.output[0] = 5; data.ops.a = 3; data.ops.a[0] = 1; const all = [data.output[1], data.ops.a.output]
  const other = model => model.output[0]; model.lm_head.output = 1; model.lm_head.ops.MatMul[0].output = 1`
  t.notThrows(() => expand(`${IMPORT}await trace(model, inputs, () => {\n  ${body}\n})`))
  t.throws(() => expand(`${IMPORT}await trace(model, inputs, m => {\n  m.lm_head.output[0] = 1\n})`))
})

const leaf = fc.constantFrom('zero', 'one', 'two', '0', '1', '2')

test('a switch on tensors goes the way that one on their values goes', async t => {
  const program = (discriminant: string, cases: readonly string[]) => `return await trace(0, 0, async () => {
    const out = []
    switch (${discriminant}) {
      ${cases.map((value, i) => `case ${value}: out.push(${i})${i % 2 ? '; break' : ''}`).join('\n')}
      default: out.push('default')
    }
    return out
  })`
  const toys = { zero: new Toy(0), one: new Toy(1), two: new Toy(2) }
  await fc.assert(
    fc.asyncProperty(leaf, fc.array(leaf, { minLength: 1, maxLength: 4 }), async (discriminant, cases) => {
      const expected = (await run(program(discriminant, cases), { zero: 0, one: 1, two: 2 })).result
      const { result } = await run(program(discriminant, cases), toys)
      if (JSON.stringify(result) !== JSON.stringify(expected))
        throw new Error(`${JSON.stringify(result)} is not ${JSON.stringify(expected)}`)
    }),
    { numRuns: 100, includeErrorInReport: true },
  )
  t.pass()
})

test('layers are filtered by what is no tensor', async t => {
  const h = model.transformer.h as unknown as { filter(test: (layer: { output: Tensor }) => unknown): unknown[] }
  t.is(h.filter(() => true).length, 4)
  await t.throwsAsync(
    model.trace(inputs, () => h.filter(layer => layer.output.mean().gt(0))),
    { code: 'condition' },
  )
})

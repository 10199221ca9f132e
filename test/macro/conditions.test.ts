import test from 'ava'
import fc from 'fast-check'
import { run } from './expand.ts'
import { Toy } from './fake-runtime.ts'

// Compares conditions of tensors with the same conditions of numbers. They do not use ===, because the toy's booleans are numbers.

const leaf = fc.constantFrom('zero', 'one', 'two', '0', '1')
const { condition } = fc.letrec<{ condition: string }>(tie => ({
  condition: fc.oneof(
    { maxDepth: 4, depthIdentifier: 'condition' },
    leaf,
    fc
      .tuple(tie('condition'), fc.constantFrom('&&', '||', '<', '>=', '==', '!=', '+', '*'), tie('condition'))
      .map(([a, op, b]) => `(${a} ${op} ${b})`),
    tie('condition').map(a => `!${a}`),
    tie('condition').map(a => `(-${a})`),
    fc.tuple(tie('condition'), tie('condition'), tie('condition')).map(([a, b, c]) => `(${a} ? ${b} : ${c})`),
    tie('condition').map(a => `(t = ${a})`),
    tie('condition').map(a => `(t &&= ${a})`),
    tie('condition').map(a => `(t ||= ${a})`),
    tie('condition').map(a => `(0, ${a})`),
    tie('condition').map(a => `(await ${a})`),
  ),
}))

/** A program that logs which way each kind of condition goes. */
const program = (test: string): string => `let t = 1; return await trace(0, 0, async () => {
  const out = []
  if (${test}) out.push('if')
  out.push(${test} ? 'yes' : 'no', !${test}, !!${test})
  let n = 0
  while (${test} && n < 2) n++
  do n++; while (n < 5 && ${test})
  for (; n < 9 && (${test}); n++);
  out.push(n, (${test} && 'and') ? 1 : 2, (${test} || 'or') ? 1 : 2)
  return out
})`

test('conditions of tensors go the way that conditions of their values go', async t => {
  const plain = { zero: 0, one: 1, two: 2 }
  const toys = { zero: new Toy(0), one: new Toy(1), two: new Toy(2) }
  await fc.assert(
    fc.asyncProperty(condition, async test => {
      const expected = (await run(program(test), plain)).result
      const { result } = await run(program(test), toys)
      if (JSON.stringify(result) !== JSON.stringify(expected))
        throw new Error(`${JSON.stringify(result)} is not ${JSON.stringify(expected)}`)
    }),
    { numRuns: 200, includeErrorInReport: true },
  )
  t.pass()
})

import test from 'ava'
import fc from 'fast-check'
import type { Model, OnnsightError, Tensor } from 'onnsight'
import * as internal from '#dist/runtime/internal.js'
import { expand, IMPORT } from '../macro/expand.ts'
import { end, given, start, statement } from './programs.ts'
import { bytes, chars, ids, run } from './run.ts'

// One program, written in the template language and as an arrow function for the macro. The results are equal, bit for bit.

async function asArrow(lines: readonly string[], model: Model): Promise<Record<string, Tensor>> {
  const body = `return trace(model, inputs, () => {\n${lines.join('\n')}\n})`
  const code = expand(`${IMPORT}async function main() {\n${body}\n}`, {
    filename: '/project/x.js',
  })
  const script = code.replace(/import \* as (\w+) from "fake-runtime";/, 'const $1 = __runtime;')
  const main = new Function('__runtime', 'model', 'inputs', 'given', `'use strict';\n${script}\nreturn main;`)
  return main(internal, model, ids, given)() as Promise<Record<string, Tensor>>
}

const settle = async (result: Promise<Record<string, Tensor>>): Promise<Record<string, string>> => {
  try {
    return Object.fromEntries(Object.entries(await result).map(([name, tensor]) => [name, bytes(tensor)]))
  } catch (error) {
    return { error: String((error as OnnsightError).code ?? error) }
  }
}

test('a program in either form gives the same, to the bit', async t => {
  const model = await chars()
  const seen = { results: 0, errors: 0 }
  await fc.assert(
    fc.asyncProperty(fc.array(statement, { maxLength: 6 }), async statements => {
      const all = [start, ...statements, end]
      const text = all.map(({ template }) => `  ${template}`).join('\n')
      const values = Array.from(text.matchAll(/\$\{\}/g), () => given)
      const one = await settle(run(text, values))
      const other = await settle(
        asArrow(
          all.map(({ arrow }) => arrow),
          model,
        ),
      )
      t.deepEqual(one, other, text)
      seen['error' in one ? 'errors' : 'results']++
    }),
    { numRuns: 120 },
  )
  t.true(seen.results > 40, JSON.stringify(seen))
  t.log(seen)
})

import test from 'ava'
import { Linter } from 'eslint'
import onnsight from 'onnsight/eslint'
import { head, outcome } from './programs.ts'
import { runRule } from './testers.ts'
import { fine, unsaved } from './unsaved-programs.ts'

runRule('no-unsaved-use', fine, [], head)
// With a session in the file, a function's trace may stand in one.
runRule('no-unsaved-use', [], unsaved, head.replace('session, ', ''))

/* Compares the rule with real runs. */

for (const { name, code } of unsaved) {
  test.serial(`throws NotSavedError: ${name}`, async t => {
    t.is(await outcome(code, `unsaved ${name}`), 'not-saved')
  })
}

for (const { name, code, fixed } of unsaved) {
  if (fixed === undefined) continue
  test.serial(`the suggestion mends it: ${name}`, async t => {
    t.not(fixed, code)
    t.is(await outcome(fixed, `mended ${name}`), undefined)
  })
}

for (const { name, code, throws } of fine) {
  if (throws === 'any') continue
  test.serial(`does not throw it: ${name}`, async t => {
    t.is(await outcome(code, `fine ${name}`), throws)
  })
}

runRule(
  'no-unsaved-use',
  [],
  [
    {
      name: 'save is imported, where it is not yet',
      code: `import { load } from 'onnsight'
import { trace } from 'onnsight/trace.macro'
let h
await trace(await load('x'), inputs, m => {
  h = m.a.output
})
h.data
`,
      errors: ['assigned:5', 'used:7'],
      fixed: `import { load } from 'onnsight'
import { trace, save } from 'onnsight/trace.macro'
let h
await trace(await load('x'), inputs, m => {
  h = save(m.a.output)
})
h.data
`,
    },
    {
      name: 'without the macro, from onnsight',
      code: `import { load } from 'onnsight'
const model = await load('x')
let h
await model.trace(inputs, m => {
  h = m.a.output
})
h.data
`,
      errors: ['assigned:5', 'used:7'],
      fixed: `import { load, save } from 'onnsight'
const model = await load('x')
let h
await model.trace(inputs, m => {
  h = save(m.a.output)
})
h.data
`,
    },
    {
      name: 'options without a backend',
      code: `import { trace, save } from 'onnsight/trace.macro'
let h
await trace(given, inputs, { signal }, model => {
  h = model.a.output
})
h.data
`,
      errors: ['assigned:4', 'used:6'],
    },
    {
      name: 'required',
      sourceType: 'commonjs',
      code: `const { trace: look, save } = require('onnsight/trace.macro')
async function f(model) {
  let h
  await look(model, {}, () => {
    h = model.a.output
  })
  return h.data
}
`,
      errors: ['assigned:5', 'used:7'],
    },
  ],
)

const traced = `let h
await trace(given, {}, model => {
  h = model.a.output
})
h.data
`

runRule(
  'no-unsaved-use',
  [
    {
      name: 'a function that a trace calls',
      code: `import { trace } from 'onnsight/trace.macro'
const read = async model => {
  ${traced}
}
await trace(model, {}, async () => { await read(model) })
`,
    },
    { name: 'another trace', code: `import { trace } from './mine.js'\n${traced}` },
    { name: 'no trace at all', code: traced },
  ],
  [],
)

test('no suggestion where save is a name of the user’s own', t => {
  const code = `import { trace } from 'onnsight/trace.macro'\nconst save = x => x\n${traced}`
  const config = [{ plugins: { onnsight }, rules: { 'onnsight/no-unsaved-use': 'error' as const } }]
  const messages = new Linter().verify(code, config)
  t.is(messages.length, 2)
  t.true(messages.every(({ suggestions }) => suggestions === undefined))
})

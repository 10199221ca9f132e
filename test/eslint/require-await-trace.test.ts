import { runRule } from './testers.ts'

const head = `import { load } from 'onnsight'
import { edit, invoke, print, save, scan, session, trace } from 'onnsight/trace.macro'
const model = await load('x')
`
const call = 'trace(model, {}, () => model.a.output)'

const valid: Record<string, string> = {
  awaited: `await ${call}`,
  assigned: `const pending = ${call}`,
  'assigned to a variable': `let pending\npending = ${call}`,
  returned: `function f() { return ${call} }`,
  'the result of an arrow': `const f = () => ${call}`,
  'passed on': `await Promise.all([${call}, ${call}])`,
  chained: `${call}.then(console.log, console.error)`,
  'in an object': `run({ pending: ${call} })`,
  'dropped with void': `void ${call}`,
  'awaited after a condition': `model && (await ${call})`,
  yielded: `function* f() { yield ${call} }`,
  'functions that return no promise, or that the trace waits for': `await trace(model, () => {
  invoke([1], () => model.a.output)
  print(model.a.output)
  save(model.a.output)
})
edit(model, () => {})`,
  'a template, awaited': 'const { x } = await trace(model, {})`save x = a.output`',
  'a function of the same name': 'function f(trace) { trace(model, {}, () => 1) }',
  'trace() of something else': 'const other = { trace() {} }\nother.trace()\nconsole.trace()',
  'a condition of it': `(${call}) ? 1 : 2`,
}

const invalid: Record<string, readonly [string, ...string[]]> = {
  dropped: [call, 'dropped:1'],
  'in a function': [`function f() {\n  ${call}\n}`, 'dropped:2'],
  'an arrow with a body': [`const f = () => { ${call} }`, 'dropped:1'],
  'after a condition': [
    `model && ${call}\nmodel ? ${call} : 1\nif (model) ${call}`,
    'dropped:1',
    'dropped:2',
    'dropped:3',
  ],
  'in a sequence': [`${call}, 1\nconst x = (${call}, 2)`, 'dropped:1', 'dropped:2'],
  'a session and a scan': ['session(model, async () => {})\nscan(model, {})', 'dropped:1', 'dropped:2'],
  'a template': ['trace(model, {})`save x = a.output`', 'dropped:1'],
  'a trace in a trace': [`await trace(model, {}, async () => {\n  ${call}\n})`, 'dropped:2'],
  'without the macro': ['model.trace({}, m => m.a.output)\nmodel.session(async () => {})', 'dropped:1', 'dropped:2'],
}

runRule(
  'require-await-trace',
  [
    ...Object.entries(valid).map(([name, code]) => ({ name, code })),
    { name: 'TypeScript around an await', code: `;(await ${call}) as unknown`, typed: true },
  ],
  [
    ...Object.entries(invalid).map(([name, [code, ...errors]]) => ({ name, code, errors })),
    {
      name: 'TypeScript around it',
      code: `;(${call})!\n;(${call}) as unknown`,
      typed: true,
      errors: ['dropped:1', 'dropped:2'],
    },
  ],
  head,
)

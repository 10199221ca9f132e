import { execFileSync } from 'node:child_process'
import test from 'ava'
import plugin from '#dist/macro/plugin.js'
import { babels, expand, IMPORT } from './expand.ts'

const rejected: Record<string, [code: string, message: RegExp]> = {
  'a block from elsewhere': [
    'trace(model, x, block)',
    /must be written inside the call[\s\S]*> 2 \| trace\(model, x, block\)/,
  ],
  'a generator': ['trace(model, x, function* () {})', /can’t be a generator/],
  'no model': ['trace(() => 1)', /needs the model before the block/],
  'no arguments': ['trace()', /takes a model, inputs, options and a block/],
  'too many arguments': ['trace(model, x, {}, 1, () => 1)', /and no more/],
  'spread arguments': ['trace(...args, () => 1)', /can’t be spread/],
  'an assigned import': ["import { a } from './a.js'; trace(model, x, () => { a = 2 })", /a is assigned .* constant/],
  's as a value': ['const x = s', /s is a tag: write s`:, -1`/],
  'a bound block': ['trace(model, x, block.bind(null))', /must be written inside the call/],
  'trace as a value': ['const f = trace', /can only be called/],
  'trace, exported': ['export { trace }', /trace is a macro and can't be exported/],
  'a function’s own name': ['const f = function g() { trace(model, x, () => { g = 2 }) }', /g is assigned .* constant/],
  'save, exported': ['export { save as keep }', /save is a macro and can't be exported/],
  'the parameter, declared again': ['trace(model, x, m => { var m; return m })', /m is the block's parameter already/],
  'arguments beside a parameter': [
    'trace(model, x, function (m) { return arguments[0] })',
    /arguments of a traced block/,
  ],
  'an edit that assigns outer variables': [
    'let a; edit(model, () => { a = 2 })',
    /runs again in each trace, so it can’t assign a/,
  ],
  'print in a function that can’t wait': [
    'trace(model, x, () => { const f = h => { print(h) }; f(1) })',
    /print\(\) runs the model and waits: make the function around it async/,
  ],
  'an invoke in an invoke': [
    'trace(model, () => { invoke(a, () => { invoke(b, () => 1) }) })',
    /can’t stand in the block of another invoke/,
  ],
  'a session with a template': ['session(model)`save x = 1`', /takes a function as its block, and no template/],
  'an edit without a block': ['edit(model, 1)', /must be written inside the call.*edit\(model, \(\) => …\)/],
  'an edit with inputs': ['edit(model, {}, {}, () => 1)', /edit\(\) takes a model, options and a block, and no more/],
  'a template without arguments': ['trace`save h`', /can only be called/],
  'a constant': [
    'const a = 1; trace(model, x, () => { a = 2 })',
    /a is assigned in a traced block, but it is a constant/,
  ],
  'an undeclared name': [
    'trace(model, x, () => { zz = 2 })',
    /zz is assigned in a traced block, but it is declared nowhere/,
  ],
  eval: ['trace(model, x, () => eval("1"))', /eval\(\) in a traced block/],
  'a slice with a step of 0': ['s`:, ::0`', /can't be read: a step can’t be 0[\s\S]*> 2 \| s`:, ::0`/],
}

for (const [name, [code, message]] of Object.entries(rejected)) {
  test(`rejected at build time, with a code frame: ${name}`, t => {
    t.throws(() => expand(IMPORT + code), { message })
  })
}

test('the code frame of a wrong slice points at the exact column', t => {
  const error = t.throws(() => expand(`${IMPORT}const x = s\`:, foo\``)) as Error
  const caret = error.message.split('\n').find(line => /\|\s+\^/.test(line)) ?? ''
  const shown = error.message.split('\n').find(line => line.includes('> 2 |')) ?? ''
  t.is(shown[caret.indexOf('^')], 'f', error.message)
})

test('a default import and a namespace are refused', t => {
  t.throws(() => expand("import trace from 'onnsight/trace.macro'\ntrace(m, x, () => 1)"), {
    message: /no default export. Write import \{ trace \}[\s\S]*> 2 \|/,
  })
  t.throws(() => expand("import * as o from 'onnsight/trace.macro'\no.trace(m, x, () => 1)"), {
    message: /import \* can't be expanded[\s\S]*> 1 \|/,
  })
  t.throws(() => expand("import { trac } from 'onnsight/trace.macro'\ntrac(m, x, () => 1)"), {
    message:
      /has no trac\. It has trace, scan, edit, generate, session, save, stop, skip, cache, invoke, barrier, print, assert, iter, all, next, s/,
  })
})

test('a Babel from before the macro’s time is told', t => {
  const old = { ...babels[7], version: '6.26.3' } as (typeof babels)[7]
  const wrapped = () => plugin(old)
  const compile = () =>
    babels[7].transformSync("import { trace } from 'onnsight/trace.macro'\ntrace(m, x, () => 1)", {
      configFile: false,
      babelrc: false,
      plugins: [wrapped],
    })
  t.throws(compile, { message: /needs Babel 7 or 8, and this build uses Babel 6\.26\.3\.\n {2}Do this: / })
})

test('a function of onnsight that is no macro says where to import it', t => {
  t.throws(() => expand("import { grad } from 'onnsight/trace.macro'\ngrad(m)"), {
    message: /grad is no macro\. Write import \{ grad \} from 'onnsight'/,
  })
})

test('unexpanded, every form throws and shows the calling line and how to switch the macro on', t => {
  const script = "import { trace } from 'onnsight/trace.macro'; trace()"
  const error = t.throws(() =>
    execFileSync(process.execPath, ['--input-type=module', '-e', script], { stdio: 'pipe' }),
  ) as Error & { stderr: Buffer }
  t.regex(error.stderr.toString(), /MacroNotExpandedError/)
  t.regex(error.stderr.toString(), /--import onnsight\/register/)
})

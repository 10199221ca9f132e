import { deepStrictEqual } from 'node:assert'
import test from 'ava'
import fc from 'fast-check'
import { expand, IMPORT } from './expand.ts'
import { Fake, runtime } from './fake-runtime.ts'

// Programs without tensors do the same in a traced block as outside of one.

const literal = fc.constantFrom(
  '0',
  '1',
  '2',
  '-3',
  '1n',
  '"x"',
  '""',
  'null',
  'undefined',
  'true',
  'false',
  'NaN',
  '[1, 2]',
)
const variable = fc.constantFrom('a', 'b', 'c', 'o.x', 'o["y"]', 'o[key()]', 'obj().x')
const binary = fc.constantFrom(
  '+',
  '-',
  '*',
  '/',
  '%',
  '**',
  '<',
  '<=',
  '>',
  '>=',
  '===',
  '!==',
  '==',
  '!=',
  '&&',
  '||',
  '??',
  '&',
  '|',
)
const assignment = fc.constantFrom('=', '+=', '-=', '*=', '/=', '%=', '**=', '&&=', '||=', '??=', '|=')

type Tie = (name: 'expression' | 'sync') => fc.Arbitrary<string>

/** The forms of an expression, in functions that wait and in those that can't (`self` is the kind itself). */
const forms = (tie: Tie, self: 'expression' | 'sync'): fc.Arbitrary<string>[] => {
  const part = tie(self)
  const sync = tie('sync')
  return [
    literal,
    variable,
    fc.tuple(part, binary, part).map(([a, op, b]) => `((${a}) ${op} (${b}))`),
    fc.tuple(fc.constantFrom('-', '!', '+', '~', 'typeof '), part).map(([op, a]) => `(${op}(${a}))`),
    fc.tuple(part, part, part).map(([a, b, c]) => `((${a}) ? (${b}) : (${c}))`),
    fc.tuple(variable, assignment, part).map(([to, op, a]) => `(${to} ${op} (${a}))`),
    fc.tuple(variable, fc.constantFrom('++', '--')).map(([to, op]) => `(${to}${op})`),
    part.map(a => `note(${a})`),
    // In parentheses of its own: V8 refuses f([1], [a] = []).
    fc.tuple(part, part).map(([a, b]) => `(([a, { b = (${b}) }] = [${a}, {}]), a)`),
    sync.map(a => `((p = ${a}) => p)()`),
    sync.map(a => `(function (q) { if (${a}) return q; return (${a}) || q })(a)`),
    sync.map(a => `[...(function* () { yield ${a} })()][0]`),
    sync.map(a => `new (class { v = (${a}); get w() { return this.v } })().w`),
    sync.map(a => `Object.keys({ async [${a}]() {} })[0]`),
  ]
}

const { statement } = fc.letrec<{ expression: string; sync: string; statement: string }>(tie => ({
  sync: fc.oneof({ maxDepth: 3, depthIdentifier: 'sync' }, ...forms(tie, 'sync')),
  expression: fc.oneof(
    { maxDepth: 4, depthIdentifier: 'expression' },
    ...forms(tie, 'expression'),
    tie('expression').map(a => `(await (async () => (${a}))())`),
    tie('expression').map(a => `(await (${a}))`),
  ),
  statement: fc.oneof(
    { maxDepth: 3, depthIdentifier: 'statement' },
    tie('expression').map(a => `note(${a});`),
    tie('expression').map(a => `note(${a});`),
    fc.tuple(tie('expression'), tie('statement'), tie('statement')).map(([a, s, u]) => `if (${a}) ${s} else { ${u} }`),
    fc.tuple(tie('expression'), tie('statement')).map(([a, s]) => `while (spend() && (${a})) { ${s} }`),
    fc.tuple(tie('expression'), tie('statement')).map(([a, s]) => `do { ${s} } while (spend() && (${a}))`),
    fc
      .tuple(tie('expression'), tie('statement'))
      .map(([a, s]) => `for (let i = 0; spend() && i < 3; i++) { note(i, ${a}); ${s} }`),
    tie('statement').map(s => `for (c of [1, 2]) { ${s} }`),
    tie('statement').map(s => `for (const k in { u: 1, v: 2 }) ${s}`),
    tie('statement').map(s => `for await (const k of [1, 2]) { ${s} if (k > 1) break }`),
    fc
      .tuple(tie('expression'), tie('statement'), fc.nat(999))
      .map(
        ([a, s, n]) =>
          `out${n}: for (const k of [1, 2]) { for (;;) { if (${a}) continue out${n}; ${s} break out${n} } }`,
      ),
    fc
      .tuple(tie('expression'), tie('statement'), tie('statement'))
      .map(([a, s, u]) => `switch (${a}) { case 1: ${s} case "x": ${u} break; default: ${s} }`),
    fc
      .tuple(tie('statement'), tie('statement'), tie('statement'))
      .map(([s, u, v]) => `try { ${s} throw a } catch (e) { note(String(e)); ${u} } finally { ${v} }`),
    tie('expression').map(a => `if (spend()) return ${a};`),
    fc.tuple(tie('expression'), tie('statement')).map(([a, s]) => `{ let a = 0; a = ${a}; ${s} }`),
  ),
}))

const program = fc.record({ body: fc.array(statement, { minLength: 1, maxLength: 4 }), isShared: fc.boolean() })

interface Outcome {
  readonly result?: unknown
  readonly error?: string
  readonly log: readonly string[]
  readonly variables: readonly string[] | undefined
}

const print = (value: unknown): string =>
  typeof value === 'function'
    ? 'function'
    : typeof value === 'bigint'
      ? `${value}n`
      : Object.is(value, -0)
        ? '-0'
        : typeof value === 'object'
          ? JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? `${part}n` : part))
          : String(value)

/** The block's body (loops spend a fuel, so it ends), in a trace or in a plain async function. `isShared` lets another function look at the variables. */
function source(body: readonly string[], isShared: boolean, isTraced: boolean): string {
  const block = `async () => {\n${body.join('\n')}\n}`
  return `async function main() {
    let a = 1, b = 2, c = 'x'
    const o = { x: 1, y: 2 }
    let fuel = 12, keys = 0
    const spend = () => fuel-- > 0
    const key = () => (note('key'), keys++ % 2 ? 'x' : 'y')
    const obj = () => (note('obj'), o)
    ${isShared ? 'const look = () => [a, b, c]' : ''}
    try {
      return { result: await ${isTraced ? `trace(0, 0, ${block})` : `(${block})()`}, variables: [a, b, c, o.x, o.y] }
    } catch (error) {
      return { error, variables: ${isShared ? '[...look(), o.x, o.y]' : 'undefined'} }
    }
  }`
}

async function outcome(code: string): Promise<Outcome> {
  const log: string[] = []
  const note = (...values: unknown[]): unknown => {
    log.push(values.map(print).join())
    return values[0]
  }
  const script = code.replace(/import \* as (\w+) from "fake-runtime";/, 'const $1 = __runtime;')
  const main = new Function('__runtime', 'note', `'use strict';\n${script}\nreturn main`)(runtime(new Fake()), note)
  const { result, error, variables } = await main()
  return {
    result: print(result),
    error: error instanceof Error ? error.name : print(error),
    log,
    variables: variables?.map(print),
  }
}

/** Not so if a label stands within itself. */
function isProgram(code: string): boolean {
  try {
    new Function(`'use strict';\n${code}`)
    return true
  } catch {
    return false
  }
}

test('a block without tensors does what it does unwrapped', async t => {
  await fc.assert(
    fc.asyncProperty(program, async ({ body, isShared }) => {
      fc.pre(isProgram(source(body, isShared, false)))
      const plain = await outcome(source(body, isShared, false))
      const traced = await outcome(expand(IMPORT + source(body, isShared, true), { filename: '/project/src/x.js' }))
      deepStrictEqual(traced, plain)
    }),
    { numRuns: 400, includeErrorInReport: true },
  )
  t.pass()
})

import test from 'ava'
import { expand, IMPORT, run } from './expand.ts'
import { Toy } from './fake-runtime.ts'

test('a condition in a parameter’s default, in a computed method key and in a class field', async t => {
  const { result } = await run(
    `return await trace(0, 0, () => {
      const f = (a = one ? 1 : 2, b = a && 5) => [a, b]
      const o = { async [one ? 'yes' : 'no']() {} }
      class A { x = one || 3; static { A.y = one ? 'static' : '' } }
      return [f(), Object.keys(o), new A().x, A.y]
    })`,
    { one: 1 },
  )
  t.deepEqual(result, [[1, 5], ['yes'], 1, 'static'])
})

test('an assignment’s object comes before its key, and each once', async t => {
  const { result } = await run(
    `const a = { x: 1 }, b = { x: 10 }; let o = a
     await trace(0, 0, () => { o[(o = b, 'x')] += 1 })
     return [a.x, b.x]`,
  )
  t.deepEqual(result, [2, 10])
})

test('compound assignment to super', async t => {
  const { result } = await run(
    `class A { get x() { return this.y } set x(value) { this.y = value } }
     class B extends A { y = h; go() { return trace(0, 0, () => { super.x += 1; super['x'] *= 2 }) } }
     const b = new B(); await b.go(); return b.y`,
    { h: new Toy(2) },
  )
  t.deepEqual(result, new Toy(6))
})

test('after a loop that waits the tracer is current again', async t => {
  const { fake } = await run('await trace(0, 0, async () => { for await (const a of [1, 2]) a; return 3 })')
  t.deepEqual(fake.log, ['resume scope', 'resume scope', 'resume scope'])
})

test('<= with a text is an operator; === with a text is not', async t => {
  const { fake } = await run("return await trace(0, 0, () => [h <= '5', h === '5'])", { h: new Toy(4) })
  t.deepEqual(fake.log, ['le'])
})

for (const version of [7, 8] as const) {
  test(`TypeScript’s as, ! and satisfies are seen through in targets, Babel ${version}`, t => {
    const code = expand(
      `${IMPORT}let a: any, b: any, c: any\nawait trace(m, x, () => { (a as any) = 1; b! += 2; [c!] = [3] })`,
      { version },
    )
    t.regex(code, /pulled=a,b,c /)
    t.throws(() => expand(`${IMPORT}const a: any = 1\nawait trace(m, x, () => { (a as any) = 1 })`, { version }), {
      message: /a is assigned in a traced block, but it is a constant/,
    })
  })

  test(`TypeScript’s as and ! are seen through in operands, Babel ${version}`, t => {
    const code = expand(`${IMPORT}await trace(m, x, () => [h === (undefined as any), h !== null!, h! + 1])`, {
      version,
    })
    t.regex(code, /h === undefined as any|h === \(undefined as any\)/)
    t.regex(code, /h !== null!/)
    t.regex(code, /\.add\(h!, 1\)/)
  })

  test(`names in types stay, Babel ${version}`, t => {
    t.regex(expand(`${IMPORT}export type T = ReturnType<typeof trace>`, { version }), /ReturnType<typeof trace>/)
  })

  test(`require: other declarators of the same statement stay, Babel ${version}`, t => {
    const code = expand(
      "const fs = require('fs'), { trace, save: keep } = require('onnsight/trace.macro')\ntrace(m, x, () => keep(m.a))",
      { version, sourceType: 'script' },
    )
    t.regex(code, /const _onnsight = require\("fake-runtime"\)/)
    t.regex(code, /fs = require\('fs'\)/)
    t.regex(code, /_onnsight\.save\(m\.a\)/)
    t.notRegex(code, /= require\(.onnsight\/trace\.macro.\);/)
  })
}

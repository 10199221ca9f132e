import test from 'ava'
import { newFrame } from '#dist/runtime/tracing/blocks/frame.js'
import { infoFromRecord } from '#dist/runtime/tracing/blocks/info.js'
import { expand, IMPORT, run } from './expand.ts'
import { Toy } from './fake-runtime.ts'

test('compile: the outer variable is a parameter, how it is read comes first, and a mark before each statement', t => {
  const code = expand(`${IMPORT}let h\nawait trace(model, x, () => {\n  h = model.a.output\n})`)
  const [parameter, keep, mark, assign] = [
    'async (_block, h) =>',
    '.keep(() => [h])',
    '.at(4, 3)',
    'h = model.a.output',
  ].map(text => code.lastIndexOf(text))
  t.true(0 < parameter && parameter < keep && keep < mark && mark < assign, code)
})

test('info: the de-indented text of the block, its line and column, and what is pulled and pushed', async t => {
  const { fake } = await run('let a = 1\n  await trace(0, 0, () => {\n      a = 2\n        // kept\n      a++\n  })')
  const info = infoFromRecord(fake.info as never, newFrame({}))
  t.deepEqual(info.source, ['a = 2', '  // kept', 'a++'])
  t.is(info.startLine, 5)
  t.is(info.startColumn, 7)
  t.deepEqual(fake.info?.pulled, ['a'])
  t.is(info.filename, 'src/x.js')
})

test('pull and push: outer variables that the block assigns are read in and written back', async t => {
  const { result, fake } = await run('let a = 1, b = 2; await trace(0, 0, () => { a += b }); return [a, b]')
  t.deepEqual(result, [3, 2])
  t.deepEqual(fake.pushed, { a: 3 })
})

test('a block that throws pushes nothing', async t => {
  const { result } = await run(
    'let a = 1; try { await trace(0, 0, () => { a = 2; throw new Error("no") }) } catch {} return a',
  )
  t.is(result, 1)
})

test('push happens after an early return, and after finally', async t => {
  const { result } = await run(
    'let a = 1; const r = await trace(0, 0, () => { try { return a } finally { a = 5 } }); return [a, r]',
  )
  t.deepEqual(result, [5, 1])
})

test('destructuring, loops and nested functions assign outer variables too', async t => {
  const { result } = await run(
    'let a, b, c, d; await trace(0, 0, () => { [a, { b }] = [1, { b: 2 }]; for (c of [3, 4]); for (d in { k: 1 }); }); return [a, b, c, d]',
  )
  t.deepEqual(result, [1, 2, 4, 'k'])
})

test('a variable that other functions use is live: they see each assignment', async t => {
  const { result } = await run(
    'let n = 0; const show = () => n; const seen = []; await trace(0, 0, () => { n = 5; seen.push(show()) }); return [n, seen]',
  )
  t.deepEqual(result, [5, [5]])
})

test('a closure that outlives the block goes on with the outer variable', async t => {
  const { result } = await run(
    'let n = 0, inc; await trace(0, 0, () => { inc = () => { n++ }; inc() }); inc(); inc(); return n',
  )
  t.is(result, 3)
})

test('operators: on tensors they are tensor operations, else plain JavaScript', async t => {
  const { result, fake } = await run(
    'return await trace(0, 0, () => [h + 1, 2 - h, h * h, 1 + 2, "a" + 1, -h, h < 3])',
    { h: new Toy(4) },
  )
  t.deepEqual(result, [new Toy(5), new Toy(-2), new Toy(16), 3, 'a1', new Toy(-4), new Toy(0)])
  t.deepEqual(fake.log, ['add', 'sub', 'mul', 'lt'])
})

test('=== between a tensor and a number compares values; with undefined it asks what it always asks', async t => {
  const { result } = await run(
    'return await trace(0, 0, () => [h === 4, h !== 4, h === undefined, h === null, 1 === 1])',
    { h: new Toy(4) },
  )
  t.deepEqual(result, [new Toy(1), new Toy(0), false, false, true])
})

test('compound assignment evaluates object and key once', async t => {
  const { result } = await run(
    'let n = 0; const o = { k1: 1 }; const get = () => (n++, o); await trace(0, 0, () => { get()["k" + 1] += 5; o.k1 *= h }); return [n, o.k1]',
    { h: 2 },
  )
  t.deepEqual(result, [1, 12])
})

test('conditions on tensors are forced, in if, while, ?:, && and ||, and !', async t => {
  const body = `return await trace(0, 0, () => {
    const out = []
    if (zero) out.push('if'); else out.push('else')
    out.push(one ? 'yes' : 'no', zero ? 'yes' : 'no', !zero, (one && 'and'), (zero || 'or'))
    let n = 0
    while (n < two) { n++; if (n > 9) break }
    out.push(n)
    return out
  })`
  const { result, fake } = await run(body, { zero: new Toy(0), one: new Toy(1), two: new Toy(2) })
  t.deepEqual(result, ['else', 'yes', 'no', true, 'and', 'or', 2])
  t.true(fake.log.includes('truth'))
})

test('conditions without tensors do not wait', async t => {
  const { fake } = await run(
    'await trace(0, 0, () => { let n = 0; while (n < 3) n++; if (n && !n) n = 1; return n ? 1 : 2 })',
  )
  t.false(fake.log.some(entry => /truth|suspend/.test(entry)))
})

test('a condition in a function that can’t wait throws, an async one waits', async t => {
  await t.throwsAsync(run('await trace(0, 0, () => [1].map(() => (h ? 1 : 2)))', { h: new Toy(1) }), {
    message: /can’t wait/,
  })
  const { result } = await run('return await trace(0, 0, async () => Promise.all([1].map(async () => (h ? 1 : 2))))', {
    h: new Toy(1),
  })
  t.deepEqual(result, [1])
})

test('await: the tracer is current again afterwards, also where it rejects', async t => {
  const { result, fake } = await run(
    'return await trace(0, 0, async () => { try { await Promise.reject(new Error("x")) } catch (e) { return e.message } })',
  )
  t.is(result, 'x')
  t.deepEqual(fake.log, ['suspend scope', 'resume scope'])
})

test('labels, switch, generators, getters, classes, this and arguments mean what they mean', async t => {
  const body = `return await trace(0, 0, function () {
    const out = []
    outer: for (let i = 0; i < 3; i++) { for (;;) { if (i === 1) continue outer; break } out.push(i) }
    switch (out.length) { case 2: out.push('two'); break; default: out.push('other') }
    function* g() { yield 1; yield 2 }
    class C { x = 1; get y() { return this.x + 1 } static z = 3 }
    const c = new C()
    out.push(...g(), c.y, C.z, this === undefined, arguments.length, hoisted())
    function hoisted() { return 'h' }
    return out
  })`
  const { result } = await run(body)
  t.deepEqual(result, [0, 2, 'two', 1, 2, 2, 3, true, 0, 'h'])
})

test('a trace in a trace: the inner one reads and writes the outer block’s variables', async t => {
  const { result } = await run(
    'let a = 1; await trace(0, 0, async () => { let b = 1; await trace(0, 0, () => { a += 1; b += 1 }); a += b }); return a',
  )
  t.is(result, 4)
})

test('an empty block, an expression body, a parameter for the model', async t => {
  t.is((await run('return await trace(0, 0, () => {})')).result, undefined)
  t.is((await run('return await trace(7, 0, m => m + 1)')).result, 8)
  t.is((await run('return await trace(7, m => m + 1)')).result, 8)
  t.is((await run('return await trace({ a: 3 }, 0, ({ a }) => { return a })')).result, 3)
})

for (const version of [7, 8] as const) {
  test(`Babel ${version} gives the same expansion`, t => {
    const code = `${IMPORT}let h: number\nexport const r = await trace(model, x, async () => {\n  if (h! > 1) h = (await f()) as number\n  h += 2\n  return s\`:, -1\`\n})`
    t.is(normal(expand(code, { version })), normal(expand(code)))
  })
}

const normal = (code: string): string => code.replace(/\s+/g, ' ')

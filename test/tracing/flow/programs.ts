/**
 * Programs around and in nested traces. `yes()`, `no()` and `num(n)` are tensors in a trace, and plain values in plain JavaScript, where
 * `trace(m, x, f)` is `f(m)`. `log` must get the same in both.
 */
export const programs: Readonly<Record<string, string>> = {
  'destructuring with defaults that are conditions': `
    await trace(m, x, () => {
      const { a = yes() ? 1 : 2, b: { c = a + 1, ...rest } = { d: 4 } } = {}
      const [p, , q = p + c, ...others] = [5, 6, undefined, 7, 8]
      log(a, c, rest, p, q, others)
    })`,
  'destructuring into outer variables, swapped': `
    let a = 1, b = 2, o = { k: 0 }
    await trace(m, x, () => { [a, b] = [b, a]; ({ a: o.k, b = 9 } = { a }); if (yes()) [a] = [a + 10] })
    log(a, b, o)`,
  'destructuring in a for of, with an outer target': `
    let k, v
    await trace(m, x, () => { for ([k, { v = 3 }] of [['a', {}], ['b', { v: 4 }]]) { if (no()) break; log(k, v) } })
    log(k, v)`,
  'labelled loops over conditions': `
    await trace(m, x, () => {
      outer: for (let i = 0; i < 3; i++) {
        inner: for (const j of [0, 1, 2]) {
          if (i === 1 && yes()) continue outer
          if (j === 1) { if (no()) continue inner; else break inner }
          if (i === 2 && yes()) break outer
          log(i, j)
        }
        log('after', i)
      }
    })`,
  'a labelled block': `
    await trace(m, x, () => { done: { log(1); if (yes()) break done; log(2) } log(3) })`,
  'a labelled for await with continue': `
    await trace(m, x, async () => {
      async function* g() { yield 1; yield 2; yield 3 }
      out: for (const i of [0, 1]) { for await (const j of g()) { if (j === 2) continue out; log(i, j) } log('never') }
      log('end')
    })`,
  'try, finally and return': `
    const f = async () => { try { await trace(m, x, () => { try { log(1); return 'a' } finally { log(2) } }); return 3 } finally { log('f') } }
    log(await f())
    log(await trace(m, x, () => { try { throw 1 } catch (e) { return e + 1 } finally { log('g') } }))
    log(await trace(m, x, () => { for (const i of [1, 2]) { try { if (yes()) continue } finally { log('h', i) } } return 'z' }))`,
  'a finally that overrides': `
    log(await trace(m, x, () => { a: try { return 1 } finally { if (yes()) break a } return 2 }))
    log(await trace(m, x, () => { try { throw new Error('lost') } finally { if (yes()) return 'kept' } }))`,
  'an inner trace that throws into the outer’s catch': `
    let n = 1
    await trace(m, x, async () => {
      n = 2
      try { await trace(m, x, () => { log('in', n); throw new Error('inner') }) } catch (e) { log(e.message); n++ }
      log(n)
    })
    log(n)`,
  'catch without a binding, and shadowing ones': `
    const e = 'outer'
    await trace(m, x, async () => {
      try { await Promise.reject(1) } catch { log(e) }
      try { await Promise.reject('inner') } catch (e) { log(e); { const e = 'block'; log(e) } }
      log(e)
    })`,
  generators: `
    await trace(m, x, () => {
      function* count(n) { for (let i = 0; i < n; i++) { const got = yield i; if (got) log('got', got) } return 'done' }
      const g = count(3)
      log(g.next(), g.next('a'), g.next(), g.next())
      log([...count(2)], Array.from({ *[Symbol.iterator]() { yield* count(2); yield 9 } }))
    })`,
  'a generator that is returned early runs its finally': `
    await trace(m, x, () => {
      function* g() { try { yield 1; yield 2 } finally { log('closed') } }
      for (const i of g()) { log(i); if (yes()) break }
      const [first] = g()
      log(first)
    })`,
  'async generators with conditions, delegation, throw and return': `
    await trace(m, x, async () => {
      async function* inner() { try { yield 1; if (yes()) yield 2; yield 3 } finally { log('inner closed') } }
      async function* g() { const r = yield* inner(); log('r', r); try { yield 4 } catch (e) { log('caught', e); yield 5 } }
      const it = g()
      for (let i = 0; i < 4; i++) log((await it.next()).value)
      log((await it.throw('t')).value, await it.return('r'))
      for await (const i of inner()) { log(i); break }
    })`,
  'what a yield gives in an async generator': `
    await trace(m, x, async () => {
      async function* g() { const a = yield 1; const b = (yield a) + (yield 'b'); try { return [a, b] } finally { await null; log('f') } }
      const it = g()
      log(await it.next(), await it.next('A'), await it.next(2), await it.next(3))
    })`,
  'closures captured in loops': `
    const fs = []
    await trace(m, x, () => {
      for (let i = 0; i < 3; i++) { if (yes()) fs.push(() => i++); }
      for (var j = 0; j < 2; j++) fs.push(() => j)
      for (const k of [7, 8]) fs.push(() => k)
    })
    log(fs.map(f => f()), fs.map(f => f()))`,
  'closures captured in a loop around traces': `
    const fs = []
    for (let i = 0; i < 3; i++) { let n = i * 10; await trace(m, x, () => { n++; fs.push(() => n++) }); n += 100 }
    log(fs.map(f => f()), fs.map(f => f()))`,
  'a loop variable that the block assigns': `
    for (let i = 0; i < 5; i++) { await trace(m, x, () => { log(i); if (yes()) i += 1 }) }
    let i = 0
    while (i < 3) await trace(m, x, () => { i++ })
    do { await trace(m, x, () => { i-- }) } while (i > 0)
    log(i)`,
  'async iteration of promises, with breaks': `
    await trace(m, x, async () => {
      for await (const v of [Promise.resolve(1), 2, num(3) && 4]) { if (v === 2) continue; log(v) }
      for await (const { a, b = a } of [{ a: 1 }, Promise.resolve({ a: 2, b: 3 })]) log(a, b)
    })`,
  'an iterator whose return is async': `
    await trace(m, x, async () => {
      const it = { [Symbol.asyncIterator]() { let n = 0; return { next: async () => ({ value: n++, done: n > 5 }), return: async () => { log('return'); return {} } } } }
      for await (const n of it) { log(n); if (n === 1 && yes()) break }
    })`,
  'getters and setters': `
    await trace(m, x, () => {
      const seen = []
      const o = { _v: 1, get v() { seen.push('get'); return this._v }, set v(to) { seen.push('set'); this._v = to }, get ['x' + 1]() { return this.v * 2 } }
      o.v += 2; o.v ||= 5; o.v &&= 6; o.v ??= 7; o.v++; --o.v; o.v **= 2
      log(o.v, o.x1, seen)
    })`,
  'optional chaining with calls, keys and deletes': `
    await trace(m, x, () => {
      const o = { a: { f(n) { return [this === o.a, n] } }, n: null }
      let touched = 0
      log(o?.a?.f?.(1), o.n?.f(touched++), o.none?.[touched++]?.(touched++), (o?.a).f(2), delete o?.a?.f, touched, o.a?.f?.(touched++) ?? 'none')
    })`,
  'optional chaining in conditions': `
    await trace(m, x, () => {
      const o = { t: yes(), deep: { no: no() } }
      log(o?.t ? 1 : 2, o.deep?.no ? 1 : 2, o.none?.t ? 1 : 2, !o.none?.deep.no, (o?.t && 'and'), (o.deep?.no || 'or'), o.none?.t ?? 'nullish')
    })`,
  'tagged templates keep their strings, and their this': `
    const seen = new Set()
    await trace(m, x, () => {
      const o = { tag(strings, ...values) { seen.add(strings); return [this === o, strings.raw.join('|'), values] } }
      for (const i of [1, 2]) log(o.tag\`a\${i + 1}\\n\${yes() ? 'y' : 'n'}c\`)
      log(seen.size, \`\${1 + 1}\${\`\${no() ? 1 : 'in'}\`}\`)
    })`,
  'classes with private members': `
    await trace(m, x, async () => {
      class A {
        #n = 1; static #count = 0; static made() { return A.#count }
        #get() { return this.#n } get n() { return this.#get() } set n(v) { this.#n = v }
        static { A.#count = 10 }
        constructor() { A.#count++ }
        async #wait() { await null; return yes() ? this.#n : 0 }
        async go() { this.#n += 1; this.#n **= 2; this.#n ||= 4; this.#n++; return [await this.#wait(), #n in this, #n in {}] }
        *[Symbol.iterator]() { yield this.#n }
      }
      const a = new A()
      log(await a.go(), a.n, (a.n = 9, a.n), [...a], A.made())
    })`,
  'class fields with this, arrows and computed keys': `
    let k = 0
    await trace(m, x, () => {
      class B { constructor() { this.base = 1 } who() { return 'B' } }
      class C extends B { ['f' + k++] = this.base + 1; g = () => [this.base, super.who(), new.target === undefined]; static s = this.name; who() { return 'C' + super.who() } }
      const c = new C()
      log(c.f0, c.g(), C.s, c.who(), k)
    })
    log(k)`,
  'super in object methods and accessors': `
    await trace(m, x, async () => {
      const base = { f() { return ['base', this.n] }, get g() { return this.n } }
      const o = { __proto__: base, n: 2, f() { return [...super.f(), super.g] }, async h() { await null; return super.f() } }
      log(o.f(), await o.h())
    })`,
  'new.target and arguments in functions of a block': `
    await trace(m, x, () => {
      function F() { return [new.target === F, arguments.length, [...arguments]] }
      const g = function () { const f = () => arguments[0]; arguments[0] = yes; return f() === yes }
      log(F(1, 2), new F(3), g(1))
    })`,
  'this in a block of a method': `
    class Runner { n = 1; async go() { await trace(m, x, () => { this.n += yes() ? 2 : 3; const f = () => this.n++; f() }); return this.n } static async s() { return await trace(m, x, () => this === Runner) } }
    log(await new Runner().go(), await Runner.s())`,
  'functions that shadow captured names': `
    let a = 1, b = 2, c = 3
    await trace(m, x, () => {
      function f(a) { a += 1; return a }
      const g = ({ b }) => { b = b + 5; return b }
      const h = () => { let c = 10; c++; return c }
      log(f(10), g({ b: 1 }), h(), a, b, c)
      { let a = 5; a++; log(a) }
      for (let b = 0; b < 1; b++) log(b)
      try { throw 1 } catch (c) { c = 4; log(c) }
      a++
    })
    log(a, b, c)`,
  'parameters that shadow in nested traces': `
    let h = 1
    await trace(m, x, async h2 => {
      let h = 2
      await trace(m, x, m => { h += 3; { let h = 50; h++ } m = 5; log(m) })
      log(h)
      ;((h) => { h = 7; log(h) })(0)
      log(h)
    })
    log(h)`,
  'hoisted functions and vars, and temporal dead zones': `
    let late
    await trace(m, x, () => {
      log(typeof hoisted, typeof v, hoisted())
      try { later } catch (e) { log(e.name) }
      var v = 1
      let later = 2
      function hoisted() { return v }
      if (true) { function inBlock() { return 'block' } log(inBlock()) }
      log(v, later, hoisted())
    })`,
  'var in loops and blocks of nested traces': `
    await trace(m, x, async () => {
      for (var i = 0; i < 2; i++) { var last = i; await trace(m, x, () => { var inner = i * 2; last += inner }) }
      log(i, last)
    })`,
  'recursion that assigns an outer variable': `
    let depth = 0
    await trace(m, x, async () => {
      const down = async n => { depth++; if (n > 0 && yes()) await down(n - 1); return depth }
      log(await down(3))
    })
    log(depth)`,
  'recursion over nested traces': `
    const seen = []
    const down = async n => { let own = n; await trace(m, x, async () => { own += 1; if (n > 0) await down(n - 1); seen.push(own) }); return own }
    log(await down(3), seen)`,
  'three deep, each with its own variable of one name': `
    let a = 'o'
    await trace(m, x, async () => {
      a += 1
      let b = 'b'
      await trace(m, x, async () => { a += 2; b += 2; let c = 'c'; await trace(m, x, () => { a += 3; b += 3; c += 3; if (yes()) a += '!' }); log(c, b, a) })
      log(b, a)
    })
    log(a)`,
  'logical assignments short-circuit': `
    const calls = []
    const f = v => { calls.push(v); return v }
    let a = 0, b = 1, c = null, o = { p: 0 }
    await trace(m, x, () => { a ||= f(2); b ||= f(3); a &&= f(4); c ??= f(5); c ??= f(6); o.p ||= f(7); o['p'] &&= f(8); (o.q ??= { r: 0 }).r ||= f(9) })
    log(a, b, c, o, calls)`,
  'increments of everything': `
    let n = 1, big = 5n, s = '7'
    const o = { a: 1, b: [1, 2] }
    await trace(m, x, () => { log(n++, ++n, n--, --n, big++, -big, s++, o.a++, o.b[o.a - 1]++, +s, ~n, typeof -s) })
    log(n, big, s, o)`,
  'BigInt, strings and dates under operators': `
    await trace(m, x, () => { log(2n ** 3n, 7n / 2n, 'a' + 1 + 2, 1 + 2 + 'a', '3' * '4', new Date(5) - new Date(2), [1] + [2], {} + '', 'b' > 'a', null + 1, undefined + 1, 5 % -3, -5 % 3, 2 ** -1) })`,
  'equality of all sorts': `
    const o = {}
    await trace(m, x, () => { log(1 == '1', null == undefined, null == 0, NaN === NaN, o === o, o == {}, '' == 0, [1] == 1, 'a' === 'a', 0 === -0, 1n == 1, Symbol.iterator === Symbol.iterator) })`,
  'comma, void, typeof of nothing, in, instanceof, delete': `
    await trace(m, x, () => {
      const o = { a: 1 }
      log((1, 2), void 0, typeof nothing, 'a' in o, o instanceof Object, delete o.a, 'a' in o, (o.b = 1, o.b++, o.b))
    })`,
  'switch with fallthrough, default in the middle and lexical scopes': `
    const f = v => trace(m, x, () => {
      const out = []
      switch (v) { case 1: { let a = 1; out.push(a) } case yes() ? 2 : 0: out.push(2); break; default: let a = 'd'; out.push(a); case 4: out.push(4) }
      return out
    })
    log(await f(1), await f(2), await f(3), await f(4))`,
  'conditions nested in each other': `
    await trace(m, x, () => {
      const f = (a, b) => [a, b]
      log((yes() ? (no() ? 1 : 2) : 3), (no() || (yes() && 'x')), !(no() || !yes()), (yes() && no()) ? 1 : 2, f(yes() ? 1 : 2, !no()), [yes() ? 'e' : 'f'], { k: no() ? 1 : 'v', [yes() ? 'key' : '']: 1 })
    })`,
  'while and do with conditions and awaits': `
    await trace(m, x, async () => {
      let n = 0
      while (n < num(3)) { n++; await null; if (n === num(2) ? yes() : no()) continue; log(n) }
      do { n-- } while (n > num(0) && yes())
      for (; n < num(2); n += await 1) log('for', n)
      log(n)
    })`,
  'a for with closures, several variables and conditions': `
    await trace(m, x, () => {
      const fs = []
      for (let i = 0, j = 10; i < num(3) && j > 5; i++, j -= 2) fs.push(() => [i, j])
      log(fs.map(f => f()))
    })`,
  'for in over inherited and shadowed keys': `
    let key
    await trace(m, x, () => { for (key in Object.create({ a: 1, b: 2 }, { c: { value: 1, enumerable: true } })) { if (no()) continue; log(key) } })
    log(key)`,
  'spread everywhere': `
    await trace(m, x, async () => {
      const f = (...args) => args.length
      log(f(...[1, 2], ...new Set([3])), [...'ab', ...(yes() ? [1] : [])], { ...{ a: 1 }, ...(no() ? { b: 1 } : null), ...'c' }, Math.max(...[1, 5, 3]), await f(await 1, ...(await [2, 3])))
    })`,
  'async arrows, methods and IIFEs': `
    await trace(m, x, async () => {
      const o = { async m(n) { return (yes() ? n : 0) + (await 1) }, f: async n => { if (no()) return 0; return n * 2 } }
      log(await o.m(1), await o.f(2), await (async () => { await null; return yes() ? 'i' : 'j' })(), await Promise.all([1, 2].map(async n => (yes() ? n : -n))))
    })`,
  'Promise.allSettled, race and any of functions with conditions': `
    await trace(m, x, async () => {
      const ok = async n => { if (yes()) return n; return 0 }
      const bad = async n => { if (yes()) throw new Error('e' + n); return n }
      log((await Promise.allSettled([ok(1), bad(2)])).map(r => r.value ?? r.reason.message), await Promise.any([bad(1), ok(2)]))
    })`,
  'awaits in odd places': `
    await trace(m, x, async () => {
      const o = { [await 'k']: await 1, f: async (a, b = 2) => a + b }
      const { [await 'k']: k, z = await 3 } = o
      const s = \`\${await 1}\${await o.f(await 2)}\`
      log(o.k, k, z, s, (await o)?.k, await (await (async () => 5)()), [await 1, ...(await [2])], -(await 4), !(await 0), (await 1) ? await 2 : await 3)
    })`,
  'a thenable is awaited': `
    await trace(m, x, async () => { log(await { then(f) { f(yes() === undefined ? 1 : 2) } }); const r = { async then(f) { f('t') } }; log(await r) })`,
  'errors thrown through conditions': `
    await trace(m, x, async () => {
      const f = () => { throw new RangeError('f') }
      try { if (yes() && f()) log('never') } catch (e) { log(e.name) }
      try { log(no() || f()) } catch (e) { log(e.message) }
      try { await (async () => { if (yes()) throw { own: 1 } })() } catch ({ own, other = 'd' }) { log(own, other) }
    })`,
  'a block that is a function expression with a name': `
    log(await trace(m, x, function named() { return typeof named }), typeof named)`,
  'a block’s parameters with defaults': `
    log(await trace(m, x, (_, none = yes() ? 'd' : 'e', { a, ...rest } = { a: none + 1, b: 2 }) => [none, a, rest]))`,
  'several traces in one expression': `
    let n = 0
    const add = (a, b) => [a, b]
    log(add(await trace(m, x, () => ++n), await trace(m, x, () => ++n)), [await trace(m, x, () => n++), n], (await trace(m, x, () => yes() ? 'a' : 'b')) + (await trace(m, x, () => 'c')))`,
  'a trace in a condition, a default and a template': `
    const f = async (v) => (await trace(m, x, () => v)) ? 'yes' : 'no'
    const { a = await trace(m, x, () => 1) } = {}
    log(await f(0), await f(1), a, \`\${await trace(m, x, () => 'in')}\`, (await trace(m, x, () => null)) ?? 'null')`,
  'a trace in a class’s method, getter and static block’s function': `
    class T { async m() { let v = 1; await trace(m, x, () => { v = 2 }); return v } get g() { return trace(m, x, () => 'g') } static { this.s = () => trace(m, x, () => 's') } async *all() { let n = 0; while (n < 2) { await trace(m, x, () => { n++ }); yield n } } }
    const t = new T(), out = []
    for await (const n of t.all()) out.push(n)
    log(await t.m(), await t.g, await T.s(), out)`,
  'a function made in one trace and called in another': `
    let f, n = 0
    await trace(m, x, () => { let own = 10; f = async () => { own++; n++; await null; if (yes()) own += 100; return own } })
    await trace(m, x, async () => { log(await f()) })
    log(await f(), n)`,
  'an iterator made in one trace and used in another': `
    let it
    await trace(m, x, () => { it = (function* () { let n = 0; while (true) yield n++ })() })
    await trace(m, x, () => { log(it.next().value, it.next().value) })
    log(it.next().value)`,
  'Map, Set and array methods with closures that assign': `
    let sum = 0
    const seen = new Map()
    await trace(m, x, () => {
      ;[1, 2, 3].forEach((n, i) => { sum += n; seen.set(i, sum) })
      log([3, 1, 2].sort((a, b) => a - b), [1, 2].reduce((a, b) => a + b, 10), [1, 2, 3].filter(n => n > 1), Object.entries({ a: 1 }).map(([k, v]) => k + v), [...seen.values()])
    })
    log(sum)`,
  'assignments as expressions, chained': `
    let a, b, c
    const o = {}
    await trace(m, x, () => { a = b = (c = 1) + 1; o.p = o.q = a += 5; (a > b) && (c = a - b); log(a = yes() ? 'y' : 'n') })
    log(a, b, c, o)`,
  'regexp, Symbol and Proxy': `
    await trace(m, x, () => {
      const keys = []
      const p = new Proxy({}, { get(_, k) { keys.push(String(k)); return 1 }, has: () => true, set(_, k, v) { keys.push(k + v); return true } })
      p.a += 2; p[Symbol.iterator]; 'z' in p
      const [, year] = /(\\d+)-/.exec('2024-1')
      log(year, 'aXb'.replace(/x/i, s => s + s), keys, typeof Symbol('s'))
    })`,
  'numbers written in all ways, and literal types': `
    await trace(m, x, () => { log(0x10 + 0b11 + 0o7, 1_000 * 2, -0 === 0, 1 / -0, 1e3 - 1, .5 + .5, -1 ** 0 || 0, +'1' + 1) })`.replace(
    '-1 ** 0 || 0, ',
    '',
  ),
  'a stop in a helper, and in a nested trace': `
    let a = 0
    await trace(m, x, async () => { await trace(m, x, () => { a = 1 }); a += 1; const f = () => { if (a > 1) return a * 10; return 0 }; a = f() })
    log(a)`,
  'code after a nested trace sees its own variables in their scopes': `
    await trace(m, x, async () => {
      const all = []
      for (const n of [1, 2]) { let each = n; await trace(m, x, async () => { each *= 2; for (let each = 0; each < 1; each++) await null; all.push(() => each) }); each += 0.5 }
      log(all.map(f => f()))
    })`,
  'an object with methods that assign outer variables': `
    let state = 'a'
    await trace(m, x, async () => {
      const o = { set(v) { state = v; return this }, get now() { return state }, async later(v) { await null; state = yes() ? v : 'no' } }
      o.set('b').set('c'); log(o.now, state); await o.later('d'); log(o.now, state)
    })
    log(state)`,
  'strings that look like code, comments in odd places': `
    await trace(m, x, /* a */ () => /* b */ {
      // trace(m, x, () => {})
      const s = "if (yes()) await" /* c */ + '//' // d
      log(s /* e */, \`/* \${1 /* f */ + 1} */\`)
      ;/* g */[1].forEach(() => log('h'))
    } /* i */)`,
  'no semicolons, where JavaScript puts them': `
    await trace(m, x, () => {
      let a = 1
      let b = a
      ++b
      const f = () => { return
        1 }
      log(a, b, f())
      if (yes()) log('one')
      else log('two')
      for (const i of [1]) if (i) log(i); else log(0)
    })`,
  'using a variable of the block after await in parallel branches': `
    await trace(m, x, async () => {
      let n = 0
      const step = async k => { for (let i = 0; i < 2; i++) { await null; n += k; if (n > 100) return } }
      await Promise.all([step(1), step(10)])
      log(n)
    })`,
  'exceptions in finally of an async generator that is not read to its end': `
    await trace(m, x, async () => {
      async function* g() { try { yield 1 } finally { throw new Error('closing') } }
      try { for await (const i of g()) { log(i); break } } catch (e) { log(e.message) }
    })`,
  'a block in a block’s callback of then': `
    let n = 0
    await trace(m, x, async () => { await Promise.resolve(1).then(async v => { await trace(m, x, () => { n += v }); n += v }) })
    log(n)`,
  'eager default parameters see earlier parameters and no body variables': `
    const y = 'outer'
    await trace(m, x, () => { const f = (a, b = a + 1, c = () => [a, b, y]) => { var a = 9, y = 'inner'; return [a, b, c()] }; log(f(1)) })`,
  'compound assignment to a call’s member, evaluated once and in order': `
    const order = []
    const o = { p: 1 }
    const get = n => { order.push(n); return n === 'k' ? 'p' : n === 'v' ? 5 : o }
    await trace(m, x, () => { get('o')[get('k')] += get('v'); get('o')[get('k')] *= yes() ? get('v') : 0; get('o')[get('k')]++ })
    log(o, order)`,
  'reads before writes in one expression': `
    let a = 1
    await trace(m, x, () => { log(a + (a = 5) + a, [a, a++, a], a * (a -= 1), a++ + ++a, (a += a++)) })
    log(a)`,
  'parameters of the function around, assigned': `
    async function f(a, { b } = { b: 2 }, ...rest) { await trace(m, x, () => { a++; b *= 2; rest.push(a); [rest] = [[...rest, 'r']] }); return [a, b, rest] }
    log(await f(1), await f(5, { b: 0 }, 'x'))`,
  'arguments and new.target of the function around': `
    function F() { const t = new.target; return trace(m, x, () => [arguments.length, t === F, new.target === F, yes() ? arguments[0] : 0]) }
    log(await F(1, 2), await Reflect.construct(F, [3]))`,
  'a trace in a parameter’s default, a class’s heritage and a computed key': `
    const f = async (v = trace(m, x, () => 'd')) => await v
    log(await f(), await f('given'))
    const key = await trace(m, x, () => 'k')
    class A extends (await trace(m, x, () => class { base() { return 'base' } })) { [key]() { return 'key' } }
    log(new A().base(), new A().k())`,
  'yield of a trace in a generator, and of one in a for await': `
    async function* g() { let n = 0; const got = yield await trace(m, x, () => ++n); log('got', got); yield trace(m, x, () => { n += 10; return n }); for (const i of [1, 2]) yield await trace(m, x, () => i + n) }
    const it = g()
    log((await it.next()).value, (await it.next('G')).value)
    for await (const v of it) log(v)`,
  'a plain generator that yields traces': `
    function* g() { let n = 0; while (n < 2) yield trace(m, x, () => { n++; return n }) }
    for (const p of g()) log(await p)`,
  'a variable that the block and a sibling function assign': `
    let n = 0
    const add = k => { n += k }
    await trace(m, x, async () => { n = 1; add(10); if (yes()) n += 100; add(1000); await null; n += 10000 })
    add(1)
    log(n)`,
  'a variable declared by var twice, by a function, and in a catch': `
    var v = 1; var v = 2
    function fn() { return 'old' }
    try { throw 3 } catch (e) { await trace(m, x, () => { e += 1; v += e; fn = () => 'new' }); log(e) }
    log(v, fn())`,
  'a block in a switch case, a label and an if without braces': `
    let n = 0
    switch (1) { case 1: await trace(m, x, () => { n++ }); case 2: await trace(m, x, () => { n += 10 }); break; default: await trace(m, x, () => { n = -1 }) }
    if (n > 5) await trace(m, x, () => { n += 100 }); else await trace(m, x, () => { n = -2 })
    l: for (;;) { await trace(m, x, () => { n += 1000 }); break l }
    log(n)`,
  'conditions in sync functions of plain values': `
    await trace(m, x, () => {
      const f = a => (a ? 1 : a === 0 ? 'zero' : a || 'none')
      log([1, 0, '', null].map(f), [3, 1, 2].sort((a, b) => (a < b ? -1 : 1)), [0, 1].some(v => v && true), [1, 2].find(n => n > 1 && n < 3), [..."ab"].every(c => c !== 'z'))
    })`,
  'sync callbacks that begin async work': `
    await trace(m, x, async () => {
      const done = []
      const jobs = [1, 2].map(async n => { if (yes()) { await null; done.push(n) } })
      log(done.length)
      await Promise.all(jobs)
      log(done)
    })`,
  'conditions within conditions’ side effects, in order': `
    await trace(m, x, () => {
      const out = []
      const t = (v, r) => { out.push(v); return r() }
      if (t(1, yes) && (t(2, no) || t(3, yes)) && !t(4, no)) out.push('in')
      const r = t(5, no) ? t(6, yes) : t(7, yes) ? out.push(t(8, () => 8)) : 0
      while (t(9, no)) out.push('never')
      log(out)
    })`,
  'short circuits give the values themselves': `
    await trace(m, x, () => { const o = {}; log((yes() && o) === o, (no() || 'r'), (0 || null), ('' && yes()), (null ?? 'n'), !!yes(), !!'', typeof (yes() && 1n)) })`,
  'symbols, computed methods, generators and async methods of objects': `
    await trace(m, x, async () => {
      const k = Symbol('k')
      const o = { [k]: 1, *[Symbol.iterator]() { yield* [this[k], 2] }, async *gen() { yield await this.one(); if (yes()) yield 2 }, async one() { return 1 }, get [\`g\${1}\`]() { return 'g' } }
      const all = []
      for await (const v of o.gen()) all.push(v)
      log([...o], all, o.g1, Object.getOwnPropertySymbols(o).length)
    })`,
  'holes, lengths and negative zero': `
    await trace(m, x, () => { const a = [, 1, , 2]; a[6] = 3; const [p = 'hole', q] = a; log(0 in a, a.length, p, q, Object.is(-0 * 1, -0), 1 / (-0 + 0), [...a].length) })`,
  'exponents, unary chains and precedence': `
    await trace(m, x, () => { const n = 2; log((-n) ** 2, 2 ** n ** n, - -n, +-n, -(-n), !-n, typeof -n, - n + + n, n * -n, -n ** -1 === undefined) })`.replace(
    ', -n ** -1 === undefined',
    '',
  ),
  'plus of objects with valueOf, and of strings on either side': `
    await trace(m, x, () => { const o = { valueOf: () => 4, toString: () => 's' }; let t = 'a'; t += o; t += 1; log(o + 1, o + '', \`\${o}\`, o * 2, -o, o > 3, o == 4, t) })`,
  'errors of JavaScript’s own': `
    await trace(m, x, async () => {
      for (const f of [() => null.x, () => nothing, () => { const c = 1; return c.f() }, () => [...null], () => new (class { #p; static t(o) { return o.#p } }).constructor.t({}), () => 1n + 1, () => Symbol() + '', () => ({}) instanceof 5, () => 'a' in 'b'])
        try { f(); log('none') } catch (e) { log(e.name) }
    })`.replace('() => new (class { #p; static t(o) { return o.#p } }).constructor.t({}), ', ''),
  'assigning a constant of the block': `
    await trace(m, x, () => { const c = 1; try { c++ } catch (e) { log(e.name) } try { c += 1 } catch (e) { log(e.name) } log(c) })`,
  'object accessors on the way of a compound assignment to a private field': `
    await trace(m, x, async () => {
      class A { #v = 1; static #all = []; get #twice() { return this.#v * 2 } set #twice(v) { this.#v = v / 2 } go() { this.#twice += 4; A.#all.push(this.#v); this.#v ||= 9; this.#v &&= this.#v - 1; return [this.#v, this.#twice, A.#all, this.#v > 1 ? 'more' : 'less'] } async wait() { this.#v = await 5; this.#v += await 1; return this.#v } opt(o) { return o?.#v } }
      const a = new A()
      log(a.go(), await a.wait(), a.opt(a), a.opt(null))
    })`,
  'a class whose static members and constructors have conditions': `
    await trace(m, x, () => {
      class P { constructor(n = 1 > 0 ? 5 : 6) { if (n > 4) return Object.assign(Object.create(P.prototype), { early: n }); this.n = n } }
      class Q extends P { constructor(n) { super(n); this.q = this.n ?? 'none' } static create(n) { return n ? new this(n) : null } }
      log(new P(), Q.create(1), Q.create(0))
    })`,
  'for await over what throws midway': `
    let n = 0
    try { await trace(m, x, async () => { async function* g() { yield 1; throw new Error('mid') } for await (const v of g()) n += v }) } catch (e) { log(e.message) }
    log('after')`,
  'an early return out of loops in a nested trace': `
    log(await trace(m, x, async () => { for (const i of [1, 2, 3]) { const got = await trace(m, x, () => { for (const j of [1, 2]) if (j === i && yes()) return [i, j]; return null }); if (got && got[0] > 1) return got } }))`,
  'results of every kind come back as they are': `
    const o = { deep: [1, { k: 'v' }] }, s = Symbol.iterator, d = new Date(0), mp = new Map([[1, 2]]), e = new Error('r')
    for (const v of [o, s, d, mp, e, null, undefined, 0, '', 1n, NaN]) log(Object.is(await trace(m, x, () => v), v))
    log(await trace(m, x, () => () => 1).then(f => f()))`,
  'a promise as a result, and a rejected one': `
    log(await trace(m, x, () => Promise.resolve([1])), await trace(m, x, () => Promise.reject(new Error('no'))).catch(e => e.message))`,
  'await in a trace’s arguments': `
    const get = async v => v
    log(await trace(await get(m), await get(x), () => 1), await trace(m, [(await get(x))[0]], async () => await get(2)))`,
  'immediately nested blocks as expressions': `
    log(await trace(m, x, () => trace(m, x, () => trace(m, x, () => [yes() ? 1 : 2, 'deep']))))`,
  'a nested trace that is not awaited in its place': `
    let n = 0
    await trace(m, x, async () => { const p = trace(m, x, () => { n += 1 }); const q = p.then(() => { n += 10 }); await q; log(n) })
    log(n)`,
  'variables of loops around a nested trace that is awaited later': `
    await trace(m, x, async () => {
      const all = []
      for (let i = 0; i < 3; i++) { let own = i; all.push(trace(m, x, () => { own *= 10; return own }).then(r => [i, own, r])) }
      log(await Promise.all(all))
    })`,
}

import test from 'ava'
import fc from 'fast-check'
import { load, type OnnsightError, type Tensor, tensor } from 'onnsight'

/* Operations read values that are rounded to their operand's dtype, so asking for a value on the way changes nothing. */

type Step = readonly [name: string, step: (h: Tensor) => Tensor]

const steps: readonly Step[] = [
  ['mul 300', h => h.mul(300)],
  ['mul 0.004', h => h.mul(0.004)],
  ['add 7', h => h.add(7)],
  ['sub 65500', h => h.sub(65500)],
  ['square', h => h.mul(h)],
  ['neg', h => h.neg()],
  ['exp', h => h.clamp(-20, 20).exp()],
  ['sum', h => h.sum(-1, { keepdim: true })],
  ['transpose', h => h.T],
  ['slice', h => h.slice(':, 0:1')],
  ['softmax', h => h.softmax(-1)],
  ['float32', h => h.to('float32').to(h.type)],
  ['int32', h => h.clamp(-1000, 1000).to('int32').to(h.type)],
  ['where', h => h.gt(60000).mul(1).add(h.isfinite().mul(2)).to(h.type)],
  ['matmul', h => h.matmul(h.T)],
]
/** The last steps of a program, which read in other dtypes. */
const ends: readonly Step[] = [
  ['itself', h => h],
  ['float32', h => h.to('float32')],
  ['float64', h => h.to('float64')],
  ['isfinite', h => h.isfinite()],
  ['bool', h => h.to('bool')],
  ['gt', h => h.gt(1)],
]

const program = fc.array(fc.constantFrom(...steps), { minLength: 1, maxLength: 5 })
const start = fc.array(fc.array(fc.double({ min: -400, max: 400, noNaN: true }), { minLength: 2, maxLength: 2 }), {
  minLength: 2,
  maxLength: 2,
})

for (const type of ['float16', 'bfloat16', 'float32'] as const)
  test(`${type}: operations in a row give what they give one by one`, async t => {
    await fc.assert(
      fc.asyncProperty(start, program, fc.constantFrom(...ends), async (values, program, [endName, end]) => {
        const x = tensor(values)
        const all = [...program.map(([, step]) => step), end]
        // JavaScript can't hold bfloat16, so the value is read as float32, which holds all its numbers.
        const held = async (h: Tensor) =>
          h.type === 'bfloat16' ? (await h.to('float32').value()).to('bfloat16') : h.value()
        const wide = async (h: Tensor) => (await (h.type === 'bfloat16' ? h.to('float32') : h).value()).tolist()
        const inARow = await wide(all.reduce((h, step) => step(h), x.to(type)))
        let h = x.to(type)
        for (const step of all) h = await held(step(h))
        const oneByOne = await wide(h)
        if (JSON.stringify(inARow) !== JSON.stringify(oneByOne))
          throw new Error(
            `${program.map(([name]) => name).join(', ')}, ${endName}: ${JSON.stringify(inARow)}, not ${JSON.stringify(oneByOne)}`,
          )
      }),
      { numRuns: 60, includeErrorInReport: true },
    )
    t.pass()
  })

test('a value of a float16 model beyond 65504 is infinite, however it is read', async t => {
  const model = await load('test/fixtures/edges/d08_fp16.onnx')
  const x = {
    x: [
      [1, -2, 3],
      [0.5, 4, -1],
    ],
  }
  const read = (m: typeof model) => m.tensor('a2')
  const alone = await model.trace(x, m => read(m))
  const all = (alone.tolist() as number[][]).flat()
  t.true(all.every(value => Math.abs(value) === Number.POSITIVE_INFINITY))
  const [wide, finite, small, logits] = await model.trace(x, m => [
    read(m).to('float32'),
    read(m).isfinite(),
    read(m).mul(0.001),
    m.tensor('y'),
  ])
  t.deepEqual(wide.tolist(), alone.tolist())
  t.deepEqual(small.tolist(), alone.tolist())
  t.false((finite.tolist() as boolean[][]).flat().some(is => is))
  const only = await model.trace(x, m => read(m).to('float32'))
  t.deepEqual(only.tolist(), alone.tolist())
  t.deepEqual(logits.dims, [2, 3])
  await model.release()
})

test('powers of integers are exact, wrap as products do, and to negative integers are refused as in NumPy', async t => {
  await fc.assert(
    fc.asyncProperty(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), fc.integer({ min: 0, max: 70 }), async (base, n) => {
      const power = await tensor([base]).pow(n).value()
      const expected = BigInt.asIntN(64, base ** BigInt(n))
      if (n > 0 && power.data[0] !== expected) throw new Error(`${base} ** ${n} is ${expected}, not ${power.data[0]}`)
    }),
    { numRuns: 60 },
  )
  for (const type of ['int64', 'int32', 'uint8'] as const)
    for (const exponent of [-1, tensor([-1, 1, 0], { type: 'int32' }), [-2, 1, 1]]) {
      const error = t.throws(() => tensor([2, 1, 3], { type }).pow(exponent)) as OnnsightError
      t.regex(error.code, /^(argument|dtype)$/)
    }
  t.throws(() => tensor([-1n]).rpow(2), { code: 'argument' })
  t.deepEqual((await tensor([2, 4]).pow(-1).value()).tolist(), [0.5, 0.25])
  t.deepEqual((await tensor([2n, 4n]).pow(-1.5).value()).type, 'float32')
  t.deepEqual(
    (
      await tensor([2n, 3n])
        .pow(tensor([3n, 2n]))
        .value()
    ).tolist(),
    [8, 9],
  )
})

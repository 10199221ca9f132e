import test from 'ava'
import { type OnnsightError, s, type Tensor, tensor } from 'onnsight'
import { bytes, chars, ids, run, templateOf } from './run.ts'

const list = (value: Tensor): unknown => value.tolist()

async function errorOf(text: string, values: readonly unknown[] = []): Promise<OnnsightError> {
  try {
    await run(text, values)
  } catch (error) {
    return error as OnnsightError
  }
  throw new Error(`no error: ${text}`)
}

/** The value of an expression that does not use the model. */
async function value(expression: string, values: readonly unknown[] = []): Promise<unknown> {
  return list((await run(`save x = ${expression}`, values)).x)
}

const expressions: readonly [string, unknown][] = [
  ['2 + 3 * 4', 14],
  ['(2 + 3) * 4', 20],
  ['-2 ** 2', -4],
  ['2 ** -1', 0.5],
  ['2 ** 3 ** 2', 512],
  ['7 // 2', 3],
  ['-7 // 2', -4],
  ['-7 % 3', 2],
  ['7 % -3', -2],
  ['1 < 2', true],
  ['~(1 < 2)', false],
  ['(1 < 2) & (2 < 1) | (1 == 1)', true],
  ['[1, 2, 3] + [10, 20, 30]', undefined],
  ['tensor([1, 2, 3]) + [10, 20, 30]', [11, 22, 33]],
  ['tensor([7, -7]) % 3', [1, 2]],
  ['tensor([7, -7]) // 2', [3, -4]],
  [
    'tensor([[1, 2], [3, 4]]) @ tensor([[0, 1], [1, 0]])',
    [
      [2, 1],
      [4, 3],
    ],
  ],
  [
    'tensor([[1, 2], [3, 4]]).T',
    [
      [1, 3],
      [2, 4],
    ],
  ],
  ['tensor([1, 2, 3, 4])[1:3]', [2, 3]],
  ['tensor([1, 2, 3, 4])[::-2]', [4, 2]],
  ['tensor([1, 2, 3, 4])[[0, -1]]', [1, 4]],
  ['tensor([1, 2, 3, 4])[-1]', 4],
  ['tensor([1, 2])[:, None]', [[1], [2]]],
  ['tensor([[1, 2], [3, 4]])[..., 0]', [1, 3]],
  ['tensor([1, -2, 3])[tensor([1, -2, 3]) > 0]', [1, 3]],
  ['tensor([1, 2, 3]).sum()', 6],
  ['sum(tensor([[1, 2], [3, 4]]), axis=0)', [4, 6]],
  ['tensor([[1, 2], [3, 4]]).sum(dim=1, keepdim=True)', [[3], [7]]],
  ['tensor([[1, 2], [3, 4]]).sum([0, 1])', 10],
  ['cat([tensor([1]), tensor([2])], dim=0)', [1, 2]],
  ['where(tensor([1, -1]) > 0, 1, 0)', [1, 0]],
  ['tensor([1.6, -1.6]).to("int32")', [1, -1]],
  ['zeros([2], dtype="int64")', [0, 0]],
  ['tensor([1, 2, 3]).clamp(min=2)', [2, 2, 3]],
  ['tensor([1, 2, 3]).clamp(None, 2)', [1, 2, 2]],
  ['topk(tensor([1.0, 3.0, 2.0]), 2).indices', [1, 2]],
  ['tensor([[1, 2], [3, 4]]).reshape(4)', [1, 2, 3, 4]],
  ['tensor([1, 2, 3, 4]).reshape([2, 2]).shape', [2, 2]],
  ['einsum("i,i->", tensor([1.0, 2.0]), tensor([3.0, 4.0]))', 11],
  ['transformer.h.length', 4],
  ['len', undefined],
]

for (const [expression, expected] of expressions) {
  if (expected === undefined) continue
  test(`${expression} is ${JSON.stringify(expected)}`, async t => {
    t.deepEqual(await value(expression), expected)
  })
}

test('any JavaScript value comes in as a hole: numbers, arrays, tensors, slices, modules, functions', async t => {
  const model = await chars()
  t.is(await value('${} + 1', [2]), 3)
  t.deepEqual(await value('tensor([1, 2]) * ${}', [new Float32Array([3, 4])]), [3, 8])
  t.deepEqual(await value('tensor([1, 2]) * ${}', [[3, 4]]), [3, 8])
  t.deepEqual(await value('${} * 2', [tensor([1, 2])]), [2, 4])
  t.deepEqual(await value('tensor([1, 2, 3])[${}]', [s`1:`]), [2, 3])
  t.deepEqual(await value('tensor([1, 2, 3])[${}:]', [-1]), [3])
  t.deepEqual(await value('${}(tensor([1, 2]))', [(x: Tensor) => x.mul(2)]), [2, 4])
  t.is(await value('${}.scale', [{ scale: 5 }]), 5)
  const { x, y } = await run('save x = ${}.output\nsave y = transformer.h[1].output', [model.transformer.h[1]])
  t.is(bytes(x), bytes(y))
})

test('a read keeps the old value, a later read has the new one, and the logits move', async t => {
  const plain = await run('save y = lm_head.output')
  const { before, after, y } = await run(`
    save before = transformer.h[1].output
    transformer.h[1].output[:, -1] *= 2
    save after = transformer.h[1].output
    save y = lm_head.output`)
  const rows = [before, after].map(h => (list(h) as number[][][])[0])
  t.deepEqual(rows[1].slice(0, 3), rows[0].slice(0, 3))
  t.deepEqual(
    rows[1][3],
    rows[0][3].map(v => Math.fround(v * 2)),
  )
  t.not(bytes(plain.y), bytes(y))
})

test('names, nodes and values without modules can be read and written', async t => {
  const { a, b } = await run(`
    save a = transformer.h[0].attn.ops.Softmax[0].output
    save b = node(${JSON.stringify('/transformer/h.0/attn/Softmax')}).output`)
  t.is(bytes(a), bytes(b))
  const model = await chars()
  const name = model.tensorNames.find(other => /h\.1.mlp.c_proj.Gemm/.test(other))!
  const { y, z } = await run(`
    model.tensor("${name}")[...] = 0
    save z = model.tensor("${name}")
    save y = lm_head.output`)
  t.true((z.data as Float32Array).every(v => v === 0))
  t.not(bytes(y), bytes((await run('save y = lm_head.output')).y))
})

test('skip leaves a module out: its input stands for its output, or a value does', async t => {
  const { before, after } = await run(`
    skip transformer.h[1]
    save before = transformer.h[1].input
    save after = transformer.h[1].output`)
  t.is(bytes(before), bytes(after))
  const { zero, y } = await run(
    'skip transformer.h[1].mlp = 0\nsave zero = transformer.h[1].mlp.output\nsave y = lm_head.output',
  )
  t.true((zero.data as Float32Array).every(v => v === 0))
  t.not(bytes(y), bytes((await run('save y = lm_head.output')).y))
})

test('stop ends the template; what was saved is there', async t => {
  t.deepEqual(Object.keys(await run('save a = 1\nfor i in 0:3\n  stop\nsave b = 2')), ['a'])
})

test('for goes through ranges, layers, tensors and lists', async t => {
  const { n, m, r } = await run(`
    n = 0
    for i in 0:10:3
      n += i
    m = 0
    for layer in transformer.h
      m = m + layer.output.mean()
    for row in tensor([[1, 2], [3, 4]])
      n += row.sum()
    for k in [1, 2]: # a colon may stand there
      for i in 3:0:-1
        n += k * i
    save n; save m; save r = n * 1`)
  t.is(list(n) as number, 18 + 10 + 18)
  t.is(list(r) as number, 46)
  t.true(Number.isFinite(m.item()))
})

test('a computed variable can have slices assigned; the place that it came from stays', async t => {
  const { h, kept } = await run(
    'h = transformer.h[0].output * 1\nh[:, 0] = 0\nsave h\nsave kept = transformer.h[0].output',
  )
  t.true((list(h) as number[][][])[0][0].every(v => v === 0))
  t.false((list(kept) as number[][][])[0][0].every(v => v === 0))
})

test('saved numbers and lists are tensors', async t => {
  const result = await run('save a = 3\nsave b = [1, 2]\nsave c = True')
  t.deepEqual(Object.values(result).map(list), [3, [1, 2], true])
})

const errors: readonly [text: string, message: RegExp, fix: RegExp, line: number, column: number][] = [
  ['save x = transformer.h[9].output', /no module 9/, /h\[0\] … transformer\.h\[3\]/, 1, 23],
  ['save x = transformer.h[1].outputt', /no module outputt/, /did you mean output/, 1, 26],
  ['\na = 1\n  b = 2', /this line is indented/, /same indentation/, 3, 3],
  ['save x = sofmax(lm_head.output)', /no operation sofmax/, /softmax/, 1, 10],
  ['save x = softmax(lm_head.output, -1, 3)', /takes 1 argument/, /dim/, 1, 10],
  ['save x = lm_head.output.sum(-1, True)', /takes 1 argument/, /keepdim=/, 1, 28],
  ['save x = lm_head.output.sum(colour=1)', /no argument colour/, /dims, keepdim/, 1, 28],
  ['lm_head = 3', /lm_head is a module/, /lm_head\.output/, 1, 1],
  ['h = lm_head.output\nh[0] = 1', /does not change/, /lm_head\.output\[…\] = …/, 2, 2],
  ['save x = y', /there is no y/, /\$\{y\}/, 1, 10],
  ['save x = lm_head', /x is a module/, /lm_head\.output/, 1, 10],
  ['save x = topk(lm_head.output, 2)', /no tensor/, /\.values/, 1, 10],
  ['save x = lm_head.output.to(float16)', /there is no float16/, /"float16"/, 1, 28],
  ['save x = lm_head.output @ 3', /matmul|rank|dims/i, /^/, 1, 25],
  ['save x = 2 @ 3', /@ was used on numbers/, /\*/, 1, 12],
  ['save x = lm_head.output & 1', /float32 values/, /bools/, 1, 25],
  ['save x = 1 < 2 < 3', /chained/, /&/, 1, 16],
  ['if lm_head.output > 0', /if can't be used as a value/, /where/, 1, 1],
  ['save x = a and b', /and is not in the template language/, /&/, 1, 12],
  ['lm_head.output', /does nothing/, /save NAME/, 1, 1],
  ['save lm_head.output', /needs a name/, /save NAME = lm_head\./, 1, 1],
  ['save h = lm_head.output\nsave g = h\nsave h = g', /h is saved twice/, /another name/, 3, 1],
  ['for i in 0:2\n  save a = i\nsave a = 1', /a is saved twice/, /another name/, 3, 1],
  ['lm_head.output =+ 1', /=\+ only assigns/, /\+=/, 1, 16],
  ['a = 1; a =+ 1', /=\+ only assigns/, /\+=/, 1, 10],
  ['save x = (1, 2)', /no tuples/, /\[2, 3\]/, 1, 12],
  ['save x = [1, 2', /never closed/, /add a \]/, 1, 10],
  ['save x = "abc', /never closed/, /add a "/, 1, 10],
  ['for i in 0:4\nsave x = 1', /no block/, /indent/, 1, 1],
  ['for i in 0:4 save x = 1', /line should end/, /lines of its own/, 1, 14],
  ['skip lm_head.output', /can’t be skipped/, /skip a module/, 1, 13],
  ['save x = lm_head.output[]', /slice is empty/, /:/, 1, 25],
  ['save x = lm_head.output[::0]', /step can’t be 0/, /other than 0/, 1, 27],
  ['transformer.h[0] = 1', /element of a module can’t be assigned/, /slices of tensors/, 1, 12],
  ['transformer.h[0].mlp = 1', /transformer\.h\.0\.mlp can’t be assigned/, /mlp\.output/, 1, 17],
]

for (const [text, message, fix, line, column] of errors) {
  test(`error: ${text.replaceAll('\n', '⏎')}`, async t => {
    const error = await errorOf(text)
    t.regex(error.message, message)
    t.regex(error.fix ?? '', fix)
    t.deepEqual([error.at?.line, error.at?.column], [line, column], error.message)
    t.true(error.message.includes(`> ${line} | ${text.split('\n')[line - 1]}`), error.message)
  })
}

test('an error of a function that came in as a value is its own', async t => {
  const own = new TypeError('mine')
  const error = await errorOf('save x = ${}(lm_head.output)', [
    () => {
      throw own
    },
  ])
  t.is(error as unknown, own)
})

test('a template is checked before the model runs, and used again with other values', async t => {
  const model = await chars()
  t.throws(() => templateOf('save ='), { message: /can't be read/ })
  const scaled = async (by: number) => (await model.trace(ids, templateOf('save x = lm_head.output * ${}', [by]))).x
  const [one, two] = [await scaled(1), await scaled(2)]
  t.deepEqual(list(await two.div(2).value()), list(one))
})

import test from 'ava'
import { load, type OnnsightError, s, Tensor, tensor } from 'onnsight'

/* Members that tensors have in nnsight, PyTorch and NumPy. JavaScript would return undefined for them, or accept an assignment silently. */

const model = await load('test/fixtures/models/chars.onnx')
const inputs = { input_ids: [[18, 47, 56, 57]] }
interface Loose {
  (...args: unknown[]): Loose
  [name: string]: Loose
}
const loose = (value: unknown): Loose => value as Loose

/** The error that `body` throws in a trace. Checks that it names the line in this file. */
async function refusal(body: (m: Loose) => unknown): Promise<OnnsightError> {
  return model.trace(inputs, m => {
    try {
      body(loose(m))
    } catch (error) {
      return error as OnnsightError
    }
    throw new Error('It was taken.')
  })
}

/** A tensor that is read from a place, one that is computed from it, and one that has its values. */
const kinds: Record<string, (m: Loose) => Loose> = {
  'a place': m => m.transformer.h[1].output,
  'a result': m => m.transformer.h[1].output.mul(2),
  'a value': () => loose(tensor([[1, 2]])),
}

const reads = [
  'shape ndim dtype cpu numpy save source ops output input outputs inputs length device astype',
  'requires_grad square clip log_softmax masked_fill add_ mul_ zero_ copy_ sofmax meen map forEach at equal anything 0 1 -1 0,1',
]
  .join(' ')
  .split(' ')
const writes = 'grad value data dims type shape output anything mean 0 1 -1'.split(' ')

for (const [kind, make] of Object.entries(kinds)) {
  test(`${kind}: a member that tensors do not have is never undefined`, async t => {
    for (const name of reads) {
      const error = await refusal(m => make(m)[name])
      t.is(error.code, 'no-such-member', `${name}: ${error.message}`)
      t.regex(error.message, /\n {2}Do this: \S/)
      t.regex(error.message, /members\.test\.ts:\d+/)
    }
  })

  test(`${kind}: no assignment is lost`, async t => {
    for (const name of writes) {
      const error = await refusal(m => {
        ;(make(m) as Record<string, unknown>)[name] = 5
      })
      t.is(error.code, 'not-assignable', `${name}: ${error.message}`)
      t.regex(error.message, /members\.test\.ts:\d+/)
    }
    for (const write of [
      (h: Loose) => Object.assign(h, { grad: 1 }),
      (h: Loose) => Reflect.set(h, 'value', 1),
      (h: Loose) => {
        ;(h as Record<string, unknown>)[s`:, -1` as never] = 0
      },
    ])
      t.is((await refusal(m => write(make(m)))).code, 'not-assignable')
  })

  test(`${kind}: a method that is not called is no number and no text`, async t => {
    for (const use of [
      (h: Loose) => (h.mean as never as number) + 1,
      (h: Loose) => `${h.value}`,
      (h: Loose) => (h.item as never as number) > 0,
    ]) {
      const error = await refusal(m => use(make(m)))
      t.is(error.code, 'argument')
      t.regex(error.message, /is a method, but was not called/)
    }
  })
}

/** The code that each error tells to write. */
const advice: Record<string, [(m: Loose) => unknown, RegExp]> = {
  'nnsight: a tuple’s first part': [
    m => m.transformer.h[1].output[0],
    /leave out \[0\]: model\.transformer\.h\[1\]\.output/,
  ],
  'nnsight: writing it': [
    m => {
      m.transformer.h[1].output[0] = 0 as never
    },
    /all of it, as no tuple leaves here: model\.transformer\.h\[1\]\.output = …/,
  ],
  'nnsight: save': [m => m.lm_head.output.save(), /write save\(h\)/],
  'nnsight: save of a module': [m => m.lm_head.save(), /write save\(model\.lm_head\.output\)/],
  'nnsight: source': [m => m.transformer.h[1].attn.source, /write model\.transformer\.h\[1\]\.attn\.ops/],
  'PyTorch: shape': [m => m.lm_head.output.shape, /write h\.dims/],
  'PyTorch: shape of a module': [m => m.lm_head.shape, /write model\.lm_head\.output\.dims/],
  'PyTorch: an operation on a module': [m => m.lm_head.mean(), /write model\.lm_head\.output\.mean/],
  'PyTorch: weight': [m => m.lm_head.weight, /no module weight|lm_head\.weights\.weight/],
  'PyTorch: weight of a layer': [
    m => m.transformer.h[0].mlp.c_fc.weight,
    /write model\.transformer\.h\[0\]\.mlp\.c_fc\.weights\.weight/,
  ],
  'PyTorch: in place': [m => m.lm_head.output.add_(1), /model\.….output = h\.add\(…\)/],
  'PyTorch: snake case': [m => m.lm_head.output.log_softmax(-1), /write h\.logSoftmax/],
  'NumPy: the last': [m => m.lm_head.output[-1], /write model\.lm_head\.output\.slice\(s`-1`\)/],
  'NumPy: a slice': [m => m.lm_head.output[s`:, -1` as never], /write model\.lm_head\.output\.slice\(s`:, -1`\)/],
  'NumPy: a slice as text': [m => m.lm_head.output[':, 0'], /write model\.lm_head\.output\.slice\(s`:, 0`\)/],
  'a misspelt operation': [m => m.lm_head.output.sofmax(-1), /write h\.softmax/],
}

for (const [name, [body, fix]] of Object.entries(advice))
  test(`${name}: the error tells what to write`, async t => {
    t.regex((await refusal(body)).message, fix)
  })

/** Wrong uses of operations and modules. */
const places: Record<string, [(m: Loose) => unknown, string, RegExp]> = {
  'ops.X.output': [m => m.transformer.h[0].attn.ops.Softmax.output, 'no-such-member', /ops\.Softmax\[0\]\.output/],
  'ops.X of no such number': [
    m => m.transformer.h[0].attn.ops.Softmax[7].output,
    'no-such-member',
    /it has one, \[0\]/,
  ],
  'ops.X[0].outputs': [m => m.transformer.h[0].attn.ops.Softmax[0].outputs, 'no-such-member', /outputAt\(0\)/],
  'ops.X[0].mean': [m => m.transformer.h[0].attn.ops.Softmax[0].mean, 'no-such-member', /write \.output\.mean/],
  'ops.X[0] =': [
    m => {
      m.transformer.h[0].attn.ops.Softmax[0] = 0 as never
    },
    'not-assignable',
    /ops\.Softmax\[0\]\.output = …/,
  ],
  'ops.X =': [
    m => {
      m.transformer.h[0].attn.ops.Softmax = 0 as never
    },
    'not-assignable',
    /ops\.Softmax\[0\]\.output = …/,
  ],
  'ops.X[0].value =': [
    m => {
      m.transformer.h[0].attn.ops.Softmax[0].value = 0 as never
    },
    'not-assignable',
    /\.output/,
  ],
  'a module =': [
    m => {
      m.transformer.h[1] = 0 as never
    },
    'not-assignable',
    /model\.transformer\.h\[1\]\.output = …/,
  ],
  'a parameter =': [
    m => {
      m.transformer.h[0].mlp.c_fc.weight = 0 as never
    },
    'not-assignable',
    /c_fc\.weights\.weight = …/,
  ],
}

for (const [name, [body, code, fix]] of Object.entries(places))
  test(`${name} is refused, with what to write`, async t => {
    const error = await refusal(body)
    t.is(error.code, code)
    t.regex(error.message, fix)
    t.regex(error.message, /members\.test\.ts:\d+/)
  })

test('lists of nodes are still lists', async t => {
  const [count, names] = await model.trace(inputs, m => {
    const { MatMul } = m.transformer.h[0].attn.ops
    return [MatMul.length, [...MatMul.map(node => node.opType), MatMul.at(-1)!.opType]]
  })
  t.true(count > 1)
  t.deepEqual([...new Set(names)], ['MatMul'])
})

test('Object.assign writes a module’s output', async t => {
  const logits = await model.trace(inputs, m => {
    Object.assign(m.transformer.h[3], { output: 0 })
    return m.transformer.h[3].output
  })
  t.true(Array.from(logits.data as Float32Array).every(x => x === 0))
})

test('what libraries ask of any object is answered with undefined', async t => {
  const asked =
    'then $$typeof asymmetricMatch nodeType tagName @@__IMMUTABLE_ITERABLE__@@ __esModule _isMockFunction schema _toMime'.split(
      ' ',
    )
  for (const make of Object.values(kinds))
    await model.trace(inputs, m => {
      const h = make(loose(m))
      for (const name of asked) t.is(h[name] as unknown, undefined, name)
      t.true(h instanceof Tensor)
      t.false('shape' in h)
      t.is(h.constructor, Tensor as never)
      t.false(Object.hasOwn(h, 'dims'))
    })
})

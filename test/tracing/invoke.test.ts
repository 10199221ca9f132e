import test from 'ava'
import fc from 'fast-check'
import { load, type Model, type OnnsightError, type Tensor, type TensorLike, template, zeros } from 'onnsight'
import { barrier, cache, edit, invoke, save, scan, skip, trace } from 'onnsight/trace.macro'
import { near } from '../near.ts'

const A = [[18, 47, 56, 57]]
const B = [[1, 2, 3, 4]]
const C = [[5, 6, 7]]
let chars!: Model
let masked!: Model
test.before(async () => {
  chars = await load('test/fixtures/models/chars.onnx')
  masked = await load('test/fixtures/models/chars-cache.onnx')
})
test.after.always(async () => {
  await chars?.release()
  await masked?.release()
})

/** All inputs of the model with a mask, for one prompt. */
const whole = (ids: number[]): Record<string, TensorLike> => ({
  input_ids: [ids],
  attention_mask: [ids.map(() => 1)],
  position_ids: [ids.map((_, k) => k)],
  ...Object.fromEntries(
    masked.signature.inputs
      .filter(({ name }) => name.startsWith('past'))
      .map(({ name }) => [name, zeros([1, 4, 0, 32])]),
  ),
})

const alone = (ids: number[][], block: (m: Model) => Tensor = m => m.lm_head.output): Promise<Tensor> =>
  chars.trace(ids, block)

test('two prompts in one pass: each sees its own rows, as if it ran alone', async t => {
  let first!: Tensor
  let pattern!: Tensor
  const reports: number[] = []
  const { traces } = await chars.explain(() =>
    trace(chars, () => {
      invoke(A, () => {
        first = save(chars.lm_head.output)
        pattern = save(chars.transformer.h[1].attn.ops.Softmax[0].output)
      })
      invoke(B, () => {
        chars.transformer.h[1].mlp.output = 0
        reports.push(chars.lm_head.output.dims[0] as number)
      })
    }),
  )
  t.is(traces.length, 1)
  t.deepEqual(reports, [1])
  t.true(near(first, await alone(A)))
  t.true(near(pattern, await alone(A, m => m.transformer.h[1].attn.ops.Softmax[0].output)))
})

test('what an invoke gives comes back in the trace’s result', async t => {
  const [a, b] = await trace(chars, () => [
    invoke(A, () => chars.lm_head.output),
    invoke(B, () => {
      chars.transformer.h[2].output = chars.transformer.h[2].output.mul(2)
      return chars.lm_head.output
    }),
  ])
  t.true(near(a, await alone(A)))
  const expected = await alone(B, m => {
    m.transformer.h[2].output = m.transformer.h[2].output.mul(2)
    return m.lm_head.output
  })
  t.true(near(b, expected))
  t.false(near(b, await alone(B)))
})

test('a value of one invoke goes into another, in one pass', async t => {
  let h!: Tensor
  const { traces } = await chars.explain(async () => {
    const [, patched] = await trace(chars, () => [
      invoke(A, () => {
        h = chars.transformer.h[1].output
        barrier(2)
      }),
      invoke(B, () => {
        chars.transformer.h[1].output = h
        return chars.lm_head.output
      }),
    ])
    t.true(near(patched, await alone(A)))
  })
  t.is(traces.length, 2)
  t.is((t.throws(() => h.data) as OnnsightError).code, 'not-saved')
})

test('a late value of one invoke in an early place of another is a cycle, and both lines are named', async t => {
  let late!: Tensor
  const error = (await t.throwsAsync(
    trace(chars, () => [
      invoke(A, () => {
        late = chars.transformer.h[3].output
      }),
      invoke(B, () => {
        chars.transformer.h[0].output = late
        return chars.lm_head.output
      }),
    ]),
  )) as OnnsightError
  t.is(error.code, 'cycle')
})

test('waiting for an invoke runs what is there: later ones go into another pass', async t => {
  const { traces } = await chars.explain(async () => {
    const result = await trace(chars, async () => {
      const late = await invoke(A, () => chars.transformer.h[3].output)
      t.true(late.computed)
      return invoke(B, () => {
        chars.transformer.h[0].output = late
        return chars.transformer.h[0].output
      })
    })
    t.true(near(result, await alone(A, m => m.transformer.h[3].output)))
  })
  t.is(traces.length, 3)
})

test('without a mask, prompts of other lengths go into a pass of their own, in their order', async t => {
  const { traces } = await chars.explain(async () => {
    let h!: Tensor
    const [a, b, c] = await trace(chars, () => [
      invoke(A, () => {
        h = chars.transformer.h[0].output
        return chars.lm_head.output
      }),
      invoke(B, () => chars.lm_head.output),
      invoke(C, () => {
        chars.transformer.h[0].output = h.slice(':, :3')
        return chars.lm_head.output
      }),
    ])
    t.true(near(a, await alone(A)))
    t.true(near(b, await alone(B)))
    t.true(near(c, await alone([[18, 47, 56]])))
  })
  t.is(traces.length, 2 + 3)
})

test('with a mask they are padded, and batched equals one by one, row for row', async t => {
  const prompts = [A, C, [[9]], [[3, 1, 4, 1, 5, 9]]]
  const { traces } = await masked.explain(async () => {
    const all = await trace(masked, () =>
      prompts.map(ids =>
        invoke({ input_ids: ids }, () => [
          masked.transformer.h[1].output,
          masked.transformer.h[0].attn.ops.Softmax[0].output,
          masked.lm_head.output.slice(':, -1'),
        ]),
      ),
    )
    for (const [i, ids] of prompts.entries()) {
      const expected = await masked.trace(whole(ids[0]), m => [
        m.transformer.h[1].output,
        m.transformer.h[0].attn.ops.Softmax[0].output,
        m.lm_head.output.slice(':, -1'),
      ])
      const got = (await (all[i] as unknown)) as Tensor[]
      for (const [k, tensor] of got.entries()) t.true(near(tensor, expected[k]), `${i} ${k}`)
    }
  })
  t.is(traces.length, 1 + prompts.length)
})

test('law: batched equals one by one, with edits of each kind in some of the rows', async t => {
  const kinds = ['none', 'zero', 'double', 'last', 'skip', 'operation'] as const
  const act = (m: Model, kind: (typeof kinds)[number]): Tensor[] => {
    if (kind === 'zero') m.transformer.h[1].mlp.output = 0
    if (kind === 'double') m.transformer.h[0].output = m.transformer.h[0].output.mul(2)
    if (kind === 'last') m.transformer.h[2].output.set(':, -1', 0)
    if (kind === 'skip') skip(m.transformer.h[1].attn)
    if (kind === 'operation') m.transformer.h[0].attn.ops.Softmax[0].output = 0
    return [m.transformer.h[2].output, m.lm_head.output]
  }
  const prompt = fc.tuple(
    fc.array(fc.integer({ min: 0, max: 64 }), { minLength: 1, maxLength: 5 }),
    fc.constantFrom(...kinds),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(prompt, { minLength: 1, maxLength: 4 }), async prompts => {
      const all = (await masked.trace(m =>
        prompts.map(([ids, kind]) => invoke({ input_ids: [ids] }, () => act(m, kind))),
      )) as unknown as Tensor[][]
      for (const [i, [ids, kind]] of prompts.entries()) {
        const expected = await masked.trace(whole(ids), m => act(m, kind))
        for (const [k, tensor] of expected.entries()) t.true(near(all[i][k], tensor, 1e-3), JSON.stringify(prompts))
      }
    }),
    { numRuns: 25 },
  )
})

test('an invoke’s block may be a template, captured by the macro or not', async t => {
  const results = await trace(chars, () => [
    invoke(A)`
      transformer.h[1].mlp.output[:, -1] *= ${0.5}
      save logits = lm_head.output`,
    invoke(B, template`save logits = lm_head.output`),
    invoke(A, () => chars.lm_head.output),
  ])
  const expected = await chars.trace(
    A,
    template`
    transformer.h[1].mlp.output[:, -1] *= 0.5
    save logits = lm_head.output`,
  )
  t.true(near(results[0].logits, expected.logits))
  t.true(near(results[1].logits, await alone(B)))
  t.true(near(results[2], await alone(A)))
  t.false(near(results[0].logits, results[2]))
  const error = (await t.throwsAsync(
    trace(chars, () => {
      invoke(A)`
        save x = transformer.hh[0].output`
    }),
  )) as OnnsightError
  t.regex(error.message, />\s+\d+ \|\s+save x = transformer\.hh\[0\]\.output/)
})

test('a scan of invokes knows the dims of each one’s own rows', async t => {
  const [a, b] = await scan(chars, () => [
    invoke(A, () => chars.lm_head.output),
    invoke([...B, ...A], () => chars.transformer.h[0].output),
  ])
  t.deepEqual([...a.dims], [1, 4, 65])
  t.deepEqual([...b.dims], [2, 4, 128])
})

test('an edit stands in each invoke’s own rows; a cache too', async t => {
  const edited = edit(masked, m => {
    m.transformer.h[1].output.set(':, -1', 0)
  })
  const [a, acts] = await trace(edited, () => [
    invoke({ input_ids: C }, () => edited.lm_head.output),
    invoke({ input_ids: A }, () => cache({ modules: 'transformer.h' })),
  ])
  const one = await edited.trace(whole(C[0]), m => m.lm_head.output)
  t.true(near(a, one))
  t.deepEqual([...acts.get('transformer.h.1').output!.dims], [1, 4, 128])
  t.true((acts.get('transformer.h.1').output!.tolist() as number[][][])[0][3].every(value => value === 0))
})

test('an invoke without inputs sees the whole batch', async t => {
  let all!: Tensor
  await trace(chars, () => {
    invoke(A, () => {})
    invoke([...B, ...A], () => {})
    invoke(() => {
      all = save(chars.lm_head.output)
    })
  })
  t.true(near(all, await alone([...A, ...B, ...A])))
})

test('if one of two invokes skips a module, the other’s rows still run', async t => {
  const [a, b] = await trace(chars, () => [
    invoke(A, () => {
      skip(chars.transformer.h[1])
      return chars.lm_head.output
    }),
    invoke(B, () => chars.transformer.h[1].mlp.output),
  ])
  t.true(
    near(
      a,
      await alone(A, m => {
        skip(m.transformer.h[1])
        return m.lm_head.output
      }),
    ),
  )
  t.true(near(b, await alone(B, m => m.transformer.h[1].mlp.output)))
})

test('rows that can’t be followed are refused, and the value is named', async t => {
  const flat = chars.nodeNames.find(name => /h\.1\/mlp\/c_fc\/Gemm/.test(name))!
  const error = (await t.throwsAsync(
    trace(chars, () => [invoke(A, () => chars.node(flat).output), invoke(B, () => {})]),
  )) as OnnsightError
  t.is(error.code, 'batch-axis')
  t.regex(error.message, /node\('.*Gemm'\)\.output: its axis 0 has length 8, for 2 rows/)
  t.regex(error.message, /> +\d+ \|.*chars\.node\(flat\)\.output/)
})

test('a condition in an invoke forces its own rows', async t => {
  const kinds: string[] = []
  await trace(chars, () => {
    for (const ids of [A, B]) {
      invoke(ids, async () => {
        const limit = chars.lm_head.output.argmax().item
        if (chars.transformer.h[0].output.slice('0, 0, 0').gt(1)) kinds.push('above')
        else kinds.push('below')
        void limit
      })
    }
  })
  const expected: string[] = []
  for (const ids of [A, B])
    expected.push(
      ((await alone(ids, m => m.transformer.h[0].output.slice('0, 0, 0'))).item() as number) > 1 ? 'above' : 'below',
    )
  t.deepEqual(kinds, expected)
})

test('if one invoke fails, outer variables are as they were', async t => {
  let value: unknown = 'before'
  await t.throwsAsync(
    trace(chars, () => {
      invoke(A, () => {
        value = 'changed'
      })
      invoke(B, () => {
        throw new TypeError('mine')
      })
    }),
    { instanceOf: TypeError, message: 'mine' },
  )
  t.is(value, 'before')
})

for (const [what, block, message] of [
  [
    'in an invoke',
    () => invoke(A, () => void (invoke as (...a: unknown[]) => void)(B, () => {})),
    /block of another invoke/,
  ],
  ['with options', () => (invoke as (...a: unknown[]) => void)(A, () => {}, { max: 1 }), /no options/],
  ['without a block', () => (invoke as (...a: unknown[]) => void)(A), /no block/],
  ['without inputs, as the first', () => invoke(() => {}), /no invoke with inputs before it/],
  [
    'that reads outside the invokes',
    () => [invoke(A, () => {}), chars.lm_head.output],
    /used in a trace that has no inputs/,
  ],
  ['with inputs that do not fit', () => invoke({ wrong: A }, () => {}), /no input wrong/],
] as const) {
  test(`error: an invoke ${what}`, async t => {
    const error = (await t.throwsAsync(chars.trace(() => void block()))) as OnnsightError
    t.regex(error.message, message)
  })
}

test('error: an invoke in a trace with inputs, and outside any', async t => {
  t.regex(
    ((await t.throwsAsync(chars.trace(A, () => invoke(B, () => {})))) as Error).message,
    /either to trace\(\) or to invoke\(\)/,
  )
  t.regex((t.throws(() => void invoke(A, () => {})) as Error).message, /outside a trace/)
})

import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { detach, grad, load, type Model, randn, type Tensor, tensor, where, withGrad } from 'onnsight'
import { edit, print, s, skip, stop, trace } from 'onnsight/trace.macro'
import { decode, temporaryFolder } from '../onnx/written.ts'
import { isSameAs, type Lengths, pathsOf } from './compared.ts'

let chars!: Model
test.before(async () => {
  chars = await load('test/fixtures/models/chars.onnx')
})
test.after.always(async () => chars?.release())

const steer = randn([128], { seed: 4 })
const lengths: readonly Lengths[] = [
  { batch: 3, sequence: 9 },
  { batch: 2, sequence: 1 },
]

async function reopened(t: ExecutionContext, path: string): Promise<Model> {
  const model = await load(path)
  t.teardown(() => model.release())
  return model
}

const kinds: Readonly<Record<string, { edit: (m: Model) => Model; loses?: RegExp; tolerance?: number }>> = {
  'a module’s output overwritten with a number': {
    edit: m =>
      edit(m, () => {
        m.transformer.h[1].mlp.output = 0
      }),
    loses: /h\.1\.(mlp\.|ln_2)/,
  },
  'a number in a slice from the end': {
    edit: m =>
      edit(m, () => {
        m.transformer.h[1].mlp.output.set(s`:, -1`, 0)
      }),
  },
  'a number in some columns': {
    edit: m =>
      edit(m, () => {
        m.transformer.h[2].output.set(s`..., 16:48`, 0.25)
      }),
  },
  'a vector added': {
    edit: m =>
      edit(m, () => {
        m.transformer.h[2].output = m.transformer.h[2].output.add(steer.mul(3))
      }),
  },
  'an input scaled': {
    edit: m =>
      edit(m, () => {
        m.transformer.h[1].mlp.input = m.transformer.h[1].mlp.input.mul(0.5)
      }),
  },
  'a pattern of an operation': {
    edit: m =>
      edit(m, () => {
        m.transformer.h[0].attn.ops.Softmax[0].output.set(s`:, 2`, 0)
      }),
  },
  'a layer left out': {
    edit: m =>
      edit(m, () => {
        skip(m.transformer.h[1])
      }),
    loses: /h\.1\./,
  },
  'a module left out for a value': {
    edit: m => edit(m)`skip transformer.h[1].attn = 0`,
    loses: /h\.1\.(attn\.|ln_1)/,
  },
  'an early layer read into a later one': {
    edit: m =>
      edit(m, () => {
        m.transformer.h[3].mlp.output = m.transformer.h[0].mlp.output.add(m.transformer.h[1].attn.output)
      }),
    loses: /h\.3\.(mlp\.|ln_2)/,
  },
  'one value written to two places': {
    edit: m =>
      edit(m, () => {
        const half = m.transformer.h[0].output.mul(0.5)
        m.transformer.h[1].mlp.output = half
        m.transformer.h[2].mlp.output = half
      }),
    loses: /h\.[12]\.(mlp\.|ln_2)/,
  },
  'a module applied to another tensor': {
    edit: m =>
      edit(m, () => {
        m.transformer.h[2].output = m.transformer.h[2].output.add(m.transformer.h[2].mlp(m.transformer.h[0].output))
      }),
  },
  'a mean that must be broadcast': {
    edit: m =>
      edit(m, () => {
        m.transformer.h[1].output = m.transformer.h[1].output.mean(1, { keepdim: true })
      }),
  },
  'a choice made in the graph': {
    edit: m =>
      edit(m, () => {
        const h = m.transformer.h[1].output
        m.transformer.h[1].output = where(h.gt(0.5), h.mul(2), h)
      }),
  },
  'a weight': {
    edit: m =>
      edit(m, () => {
        Object.assign(m.transformer.h[1].mlp.c_fc.weights, { bias: 0 })
      }),
  },
  'the model’s output, read again': {
    edit: m =>
      edit(m, () => {
        m.lm_head.output = m.lm_head.output.mul(2).sub(m.lm_head.output.mean(-1, { keepdim: true }))
      }),
  },
  'a template': {
    edit: m => edit(m)`
      print(transformer.h[1].output)
      transformer.h[2].output[:, -1] += 3 * ${steer}
    `,
  },
  'several edits, the second of which reads the first': {
    edit: m => {
      const once = edit(m, () => {
        m.transformer.h[0].output = m.transformer.h[0].output.mul(0.5)
      })
      return edit(edit(once)`transformer.h[0].output += 0.1`, () => {
        m.transformer.h[2].attn.output = m.transformer.h[0].output
      })
    },
    loses: /h\.2\.(attn\.|ln_1)/,
  },
  'a gradient of an earlier layer, through attention and norms': {
    tolerance: 1e-5,
    edit: m =>
      edit(m, () => {
        const h = m.transformer.h[1].output
        const g = grad(h.mul(h).sum(), {
          layer: m.transformer.h[0].output,
          pattern: m.transformer.h[1].attn.heads[1].pattern,
        })
        m.transformer.h[2].output = m.transformer.h[2].output.add(g.layer.mul(0.1)).add(g.pattern.abs().max())
      }),
  },
  'a gradient through the logit lens, of a vector from outside and of a weight': {
    tolerance: 1e-5,
    edit: m =>
      edit(m, () => {
        const h = m.transformer.h[1].output.add(steer)
        const loss = m.lm_head(m.transformer.ln_f(h)).slice(':, -1, 46').sum()
        const g = grad(loss, [steer, m.transformer.ln_f.weights.weight])
        m.transformer.h[2].output = m.transformer.h[2].output.add(g[0]).add(g[1])
      }),
  },
  'a gradient of a gradient, with withGrad() and detach()': {
    tolerance: 1e-5,
    edit: m =>
      edit(m, () => {
        const h = m.transformer.h[1].output
        const hooked = withGrad(h, g => g.mul(detach(g)))
        const g = grad(grad(hooked.mul(hooked).mul(hooked).sum(), hooked).mul(0.01).sum(), h)
        m.transformer.h[2].output = m.transformer.h[2].output.add(g)
      }),
  },
  'what prints, and stops itself': {
    edit: m =>
      edit(m, () => {
        print(m.transformer.h[0].output)
        m.transformer.h[1].mlp.output = m.transformer.h[1].mlp.output.neg()
        stop()
      }),
  },
}

for (const [name, { edit: change, loses, tolerance = 0 }] of Object.entries(kinds)) {
  test(`saved: ${name}`, async t => {
    const path = join(await temporaryFolder(t), 'edited.onnx')
    const edited = change(chars)
    await edited.save(path)
    await isSameAs(t, { edited, original: chars, path, lengths, tolerance })
    const { graph } = await decode(path)
    t.true(
      graph!.node.every(({ domain }) => domain === ''),
      'every node is ONNX’s own',
    )

    const again = await reopened(t, path)
    t.deepEqual(again.signature, chars.signature)
    const kept = new Set(pathsOf(again))
    t.deepEqual(
      pathsOf(chars).filter(each => !kept.has(each) && !loses?.test(each)),
      [],
    )
    t.deepEqual(
      [...kept].filter(each => !pathsOf(chars).includes(each)),
      [],
    )
  })
}

test('what leaves a module of the saved file is the value after the edit', async t => {
  const path = join(await temporaryFolder(t), 'edited.onnx')
  const inputs = { input_ids: [[18, 47, 56, 57, 3]] }
  const edited = edit(chars)`
    transformer.h[1].mlp.output = 0.5
    transformer.h[2].output[:, 1:3] *= 2
    transformer.h[3].attn.input = transformer.h[1].output
  `
  await edited.save(path)
  const again = await reopened(t, path)
  const read = (m: Model): Promise<Tensor[]> =>
    trace(m, inputs, () => [
      m.transformer.h[0].output,
      m.transformer.h[1].mlp.output,
      m.transformer.h[1].output,
      m.transformer.h[2].mlp.output,
      m.transformer.h[2].output,
      m.transformer.h[3].attn.input,
      m.transformer.h[3].output,
      m.transformer.output,
      m.lm_head.output,
    ])
  const [expected, found] = [await read(edited), await read(again)]
  t.deepEqual(
    found.map(value => value.tolist()),
    expected.map(value => value.tolist()),
  )
})

test('a saved edited model is edited and saved again, and a model edited in place', async t => {
  const folder = await temporaryFolder(t)
  const first = join(folder, 'first.onnx')
  await edit(chars)`transformer.h[1].mlp.output *= 0.5`.save(first)
  const own = await reopened(t, first)
  edit(own, { inplace: true }, () => {
    own.transformer.h[1].mlp.output = own.transformer.h[1].mlp.output.add(steer)
    own.lm_head.output = own.lm_head.output.mul(0.25)
  })
  const second = join(folder, 'second.onnx')
  await own.save(second)
  await isSameAs(t, { edited: own, original: chars, path: second, lengths })
  const again = await reopened(t, second)
  const added = again.nodeNames.filter(name => /onnsight/.test(name))
  t.true(added.some(name => name.includes('edit_0.')) && added.some(name => name.includes('edit_1.')))
  t.is(new Set(again.nodeNames).size, again.nodeNames.length)
  own.clearEdits()
  const third = join(folder, 'third.onnx')
  await own.save(third)
  await isSameAs(t, { edited: own, original: chars, path: third, lengths })
})

test('values of a trace within the edit, and outer variables, are what they are when it is saved', async t => {
  const path = join(await temporaryFolder(t), 'edited.onnx')
  let factor = 2
  const edited = chars.edit(async m => {
    const mean = await chars.trace([[1, 2, 3]], other => other.transformer.h[1].output.mean([0, 1]))
    m.transformer.h[1].output = m.transformer.h[1].output.sub(mean.mul(factor))
  })
  await edited.save(path)
  await isSameAs(t, { edited, original: chars, path, lengths })
  factor = 7
  await t.throwsAsync(isSameAsWithout(t, edited, path))
})

/** Fails if the file and the edited model give different outputs, as they do once the variable has changed. */
async function isSameAsWithout(t: ExecutionContext, edited: Model, path: string): Promise<void> {
  const inputs = { input_ids: tensor(new BigInt64Array([1n, 2n, 3n]), { dims: [1, 3] }) }
  const again = await reopened(t, path)
  const [a, b] = [await edited.run(inputs), await again.run(inputs)]
  if (String(a.logits.tolist()) !== String(b.logits.tolist())) throw new Error('other values')
}

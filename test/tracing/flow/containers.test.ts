import test from 'ava'
import { load, type Model, type OnnsightError, type Tensor } from 'onnsight'
import { generate, invoke, scan, session, trace } from 'onnsight/trace.macro'
import { near } from '../../near.ts'

const a = { input_ids: [[18, 47, 56, 57]] }
const b = { input_ids: [[1, 2, 3, 4]] }
let model!: Model
let patched!: Tensor
test.before(async () => {
  model = await load('test/fixtures/models/chars.onnx')
  const h = await model.trace(a, m => m.transformer.h[1].output)
  patched = await model.trace(b, m => {
    m.transformer.h[1].output = h
    return m.lm_head.output
  })
  if (near(patched, await model.trace(b, m => m.lm_head.output))) throw new Error('The patch moves nothing.')
})
test.after.always(async () => model?.release())

class Acts {
  h: Tensor | undefined
  list: { deep: Tensor[] }[] = []
}

test('what stands in an array, an object, a Map, a Set or a field flows from trace to trace in a session', async t => {
  const unsaved = new Acts()
  const logits = await session(model, async () => {
    const array: Tensor[] = []
    const object: { deep: { h?: Tensor } } = { deep: {} }
    const map = new Map<string, Tensor>()
    const set = new Set<Tensor>()
    const acts = new Acts()
    const nested = new Map([['a', [{ h: undefined as Tensor | undefined }]]])
    await trace(model, a, () => {
      const h = model.transformer.h[1].output
      array.push(h)
      object.deep.h = h.mul(1)
      map.set('h', h.add(0))
      set.add(h.mul(1).add(0))
      acts.h = h.div(1)
      acts.list.push({ deep: [h.sub(0)] })
      nested.get('a')![0].h = h.neg().neg()
      unsaved.h = h
    })
    const found = [
      array[0],
      object.deep.h!,
      map.get('h')!,
      [...set][0],
      acts.h!,
      acts.list[0].deep[0],
      nested.get('a')![0].h!,
    ]
    t.true(found.every(h => h.computed))
    const all: Tensor[] = []
    for (const h of found)
      all.push(
        await trace(model, b, () => {
          model.transformer.h[1].output = h
          return model.lm_head.output
        }),
      )
    return all
  })
  t.is(logits.length, 7)
  for (const each of logits) t.true(near(each, patched))
  // Nobody has saved it.
  t.is((t.throws(() => unsaved.h!.data) as OnnsightError).code, 'not-saved')
})

test('from trace to trace in a trace, however deep, and back in an object of a class', async t => {
  const logits = await trace(model, b, async () => {
    const held: Tensor[] = []
    const other = new Acts()
    await trace(model, a, async () => {
      await trace(model, a, () => {
        held.push(model.transformer.h[1].output)
      })
      other.h = held[0]
    })
    const acts = await trace(model, a, () => {
      const made = new Acts()
      made.h = model.transformer.h[1].output
      return made
    })
    t.true(near(acts.h, held[0]))
    t.is(other.h, held[0])
    model.transformer.h[1].output = held[0]
    return model.lm_head.output
  })
  t.true(near(logits, patched))
})

test('from step to step of a generation', async t => {
  const seen = new Map<number, Tensor>()
  const lists: Tensor[][] = []
  const { values } = await generate(model, a, { maxNewTokens: 3 }, (m, step) => {
    const last = m.transformer.h[1].output.slice([{}, -1])
    const before = seen.get(step - 1)
    seen.set(step, last)
    lists.push([last])
    return before !== undefined ? [before, lists[step - 1][0].mul(2)] : undefined
  })
  const { values: saved } = await generate(model, a, { maxNewTokens: 3 }, m =>
    m.transformer.h[1].output.slice([{}, -1]),
  )
  for (const step of [1, 2]) {
    const [before, twice] = values[step] as Tensor[]
    t.true(near(before, saved[step - 1]))
    t.true(near(twice, await saved[step - 1].mul(2).value()))
  }
  t.is((t.throws(() => seen.get(2)!.data) as OnnsightError).code, 'not-saved')
})

test('from invoke to invoke that are awaited, and out of a method by this', async t => {
  class Patcher {
    h: Tensor | undefined
    async read() {
      await trace(model, a, () => {
        this.h = model.transformer.h[1].output
      })
    }
  }
  const logits = await session(model, async () => {
    const patcher = new Patcher()
    await patcher.read()
    const held: Tensor[] = []
    const second = await trace(model, async () => {
      await invoke(a, () => {
        held.push(model.transformer.h[1].output)
      })
      return await invoke(b, () => {
        model.transformer.h[1].output = held[0]
        return model.lm_head.output
      })
    })
    t.true(near(held[0], patcher.h))
    return second
  })
  t.true(near(logits, patched))
})

test('outside of a session nothing flows by itself: what was not saved says so', async t => {
  const all: Tensor[] = []
  await trace(model, a, () => {
    all.push(model.transformer.h[1].output)
  })
  t.is((t.throws(() => all[0].data) as OnnsightError).code, 'not-saved')
})

test('a value in a circle that nobody asks for is no error; who asks hears of the circle', async t => {
  const circle = () => {
    model.transformer.h[0].output = model.transformer.h[2].output
  }
  const logits = await session(model, async () => {
    let late!: Tensor
    const all: Tensor[] = []
    const other = await trace(model, a, () => {
      circle()
      late = model.transformer.h[3].output
      all.push(model.transformer.h[3].output, model.transformer.wte.output)
      return model.transformer.wte.output
    })
    t.true(near(all[1], other))
    t.is((t.throws(() => late.data) as OnnsightError).code, 'cycle')
    t.is((t.throws(() => all[0].data) as OnnsightError).code, 'cycle')
    const error = await t.throwsAsync(
      trace(model, a, () => {
        model.transformer.h[1].output = late
        return model.lm_head.output
      }),
    )
    t.is((error as OnnsightError).code, 'cycle')
    return trace(model, a, () => model.lm_head.output)
  })
  t.true(near(logits, await model.trace(a, m => m.lm_head.output)))
  const nested = await trace(model, a, async () => {
    let late: Tensor | undefined
    await trace(model, a, () => {
      circle()
      late = model.lm_head.output
    })
    await scan(model, a, () => {
      circle()
      late = model.lm_head.output
    })
    return [model.lm_head.output, late === undefined] as const
  })
  t.true(near(nested[0], logits))
  const wanted = await t.throwsAsync(
    session(model, async () =>
      trace(model, a, () => {
        circle()
        return model.lm_head.output
      }),
    ),
  )
  t.is((wanted as OnnsightError).code, 'cycle')
})

test('long lists of tensors flow, beside long lists of numbers', async t => {
  const numbers = Array.from({ length: 1000 }, (_, i) => [i, i + 1])
  const logits = await session(model, async () => {
    const rows: Tensor[] = []
    await trace(model, a, () => {
      for (let i = 0; i < 70; i++) rows.push(model.transformer.h[1].output.mul(numbers[i][1] - i))
    })
    t.true(rows.every(row => row.computed))
    return trace(model, b, () => {
      model.transformer.h[1].output = rows[69]
      return model.lm_head.output
    })
  })
  t.true(near(logits, patched))
})

import test from 'ava'
import type { Model, Tensor } from 'onnsight'
import { near } from '../near.ts'
import { open, type Subject, subjects } from './models.ts'

/** The bias of the layer after the heads; 0 if it has none. */
const biasOf = (model: Model, { attention, output }: Subject): Tensor | number => {
  const { weights } = output(attention(model, 1))
  return 'bias' in weights ? weights.bias : 0
}

for (const subject of subjects) {
  const { file, inputs, heads: count, attention, output, tolerance = 1e-4 } = subject
  const run = <R>(model: Model, block: (m: Model) => R): Promise<R> => model.trace(inputs as never, block) as Promise<R>

  test(`${file}: the heads of an attention, and what holds between their parts`, async t => {
    const model = await open(subject)
    const heads = attention(model, 1).heads
    t.is(heads.length, count)
    t.deepEqual(
      [...heads].map(({ index }) => index),
      [...Array(count).keys()],
    )
    const read = await run(model, m => {
      const { heads } = attention(m, 1)
      const group = count / Number(heads.v.dims[2])
      return {
        ...{ q: heads.q, k: heads.k, v: heads.v, z: heads.z, result: heads.result },
        ...{ scores: heads.scores, pattern: heads.pattern },
        whole: output(attention(m, 1)).output,
        rows: heads.pattern.sum(-1),
        pattern2: heads.scores.to('float32').softmax(-1),
        mixed: heads.pattern.matmul(heads.v.repeatInterleave(group, 2).transpose(1, 2)).transpose(1, 2),
        sum: heads.result.sum(2).add(biasOf(m, subject)),
        each: heads.map(head => [head.q, head.k, head.v, head.scores, head.pattern, head.z, head.result]),
      }
    })
    const width = read.q.dims[3] as number
    t.deepEqual(read.q.dims, [1, 5, count, width])
    t.deepEqual(read.k.dims.toSpliced(2, 1), [1, 5, width])
    t.deepEqual(read.z.dims, read.q.dims)
    t.deepEqual(read.scores.dims, [1, count, 5, 5])
    t.deepEqual(read.pattern.dims, [1, count, 5, 5])
    t.deepEqual(read.result.dims, [1, 5, count, read.whole.dims[2]])
    const same = async (a: Tensor, b: Tensor, within: number): Promise<boolean> =>
      near(await a.to('float32').value(), await b.to('float32').value(), within)
    t.true(await same(read.rows, read.rows.mul(0).add(1), tolerance))
    t.true(await same(read.pattern2, read.pattern, tolerance))
    t.true(await same(read.mixed, read.z, tolerance))
    t.true(await same(read.sum, read.whole, tolerance))
    for (const [i, [q, k, v, scores, pattern, z, result]] of read.each.entries()) {
      const shared = Math.floor((i * (read.k.dims[2] as number)) / count)
      t.true(await same(q, read.q.slice([':', ':', i]), 0))
      t.true(await same(k, read.k.slice([':', ':', shared]), 0))
      t.true(await same(v, read.v.slice([':', ':', shared]), 0))
      t.true(await same(scores, read.scores.slice([':', i]), 0))
      t.true(await same(pattern, read.pattern.slice([':', i]), 0))
      t.true(await same(z, read.z.slice([':', ':', i]), 0))
      t.true(await same(result, read.result.slice([':', ':', i]), 1e-5))
    }
    await model.release()
  })

  test(`${file}: what is written to a head is what follows from it`, async t => {
    const model = await open(subject)
    const chosen = count - 1
    const layer = (m: Model) => output(attention(m, 1))
    const plain = await run(model, m => ({
      whole: layer(m).output,
      z: attention(m, 1).heads.z,
      result: attention(m, 1).heads.result,
      k: attention(m, 1).heads.k,
    }))
    const whole = await plain.whole.to('float32').value()
    const result = await plain.result.to('float32').value()
    const rest = await whole.sub(result.slice([':', ':', chosen])).value()
    const close = async (got: Tensor, due: Tensor): Promise<boolean> =>
      near(await got.to('float32').value(), due, tolerance)

    const written = await run(model, m => {
      const head = attention(m, 1).heads[chosen]
      head.z = 0
      return { out: layer(m).output, z: head.z, result: head.result, others: attention(m, 1).heads.z }
    })
    t.true(await close(written.out, rest), 'without its z, a head adds nothing')
    t.false(near(await written.out.to('float32').value(), whole, 1e-5), 'and that changes the sum')
    t.true([...(await written.result.to('float32').value()).data].every(value => value === 0))

    const replaced = await run(model, m => {
      const head = attention(m, 1).heads[chosen]
      head.result = 7
      head.result = head.result.add(1)
      return { out: layer(m).output, result: head.result, all: attention(m, 1).heads.result }
    })
    t.true(await close(replaced.out, await rest.add(8).value()), 'a written result takes the place of the head’s')
    t.true([...(await replaced.result.to('float32').value()).data].every(value => value === 8))
    t.true(await close(replaced.all.slice([':', ':', chosen]), await replaced.result.to('float32').value()))

    const pattern = await run(model, m => {
      const { heads } = attention(m, 1)
      heads[chosen].pattern = 0
      heads[chosen].pattern.set(':, :, 0', 1)
      return { z: heads[chosen].z, v: heads[chosen].v, before: heads[0].z, out: layer(m).output }
    })
    const first = await pattern.v
      .to('float32')
      .slice(':, 0:1')
      .expand(1, 5, plain.z.dims[3] as number)
      .value()
    t.true(await close(pattern.z, first), 'a head that looks at the first token alone gives its value')
    t.true(await close(pattern.before, await plain.z.to('float32').slice(':, :, 0').value()))
    t.false(near(await pattern.out.to('float32').value(), whole, 1e-5))

    const scored = await run(model, m => {
      const { heads } = attention(m, 1)
      heads[chosen].scores = 0
      return { pattern: heads[chosen].pattern, other: heads[0].pattern, out: layer(m).output }
    })
    t.true([...(await scored.pattern.to('float32').value()).data].every(value => Math.abs(Number(value) - 0.2) < 1e-3))
    t.false(near(await scored.out.to('float32').value(), whole, 1e-5))

    const moved = await run(model, m => {
      const { heads } = attention(m, 1)
      heads[chosen].v = heads[chosen].v.mul(2)
      heads[chosen].k = 0
      return { z: heads[chosen].z, scores: heads[chosen].scores, v: heads[chosen].v, k: heads.k }
    })
    const [k] = [await moved.k.to('float32').value()]
    const shared = k.dims[2] as number
    t.true([...(await k.slice([':', ':', shared - 1]).value()).data].every(value => value === 0))
    if (shared > 1)
      t.deepEqual(
        (await k.slice([':', ':', 0]).value()).tolist(),
        (await plain.k.to('float32').slice([':', ':', 0]).value()).tolist(),
      )
    const seen = (await moved.scores.to('float32').slice('0, -1').value()).tolist() as number[]
    t.true(
      seen.every(score => Math.abs(score) < 1e-6),
      'keys of 0 score 0',
    )

    const silenced = await run(model, m => {
      const { heads } = attention(m, 1)
      heads[chosen].q = 0
      return { scores: heads[chosen].scores, other: heads[0].scores, out: layer(m).output }
    })
    t.true(
      ((await silenced.scores.to('float32').slice('0, -1').value()).tolist() as number[]).every(
        one => Math.abs(one) < 1e-6,
      ),
    )
    t.true(
      ((await silenced.other.to('float32').slice('0, -1').value()).tolist() as number[]).some(
        one => Math.abs(one) > 1e-4,
      ),
    )

    const all = await run(model, m => {
      attention(m, 1).heads.result = attention(m, 1).heads.result.mul(0)
      return layer(m).output
    })
    const bias = await run(model, m => {
      attention(m, 1).heads.z = 0
      return layer(m).output
    })
    t.true(await close(all, await bias.to('float32').value()))
    await model.release()
  })
}

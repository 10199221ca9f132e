import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statfsSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { tableFromArrays, tableToIPC } from 'apache-arrow'
import test from 'ava'
import fc from 'fast-check'
import { parquetWriteBuffer } from 'hyparquet-writer'
import { type Inputs, load, type Model, readSafetensors, type Tensor, tensor, writeSafetensors } from 'onnsight'
import { type HarvestOptions, type HarvestProgress, type HarvestRows, harvest, openHarvest } from 'onnsight/harvest'
import { onnsight } from '../cli/spawn.ts'

const folder = mkdtempSync(join(tmpdir(), 'onnsight-harvest-'))
test.after.always(() => rmSync(folder, { recursive: true }))

let made = 0
const fresh = (): string => join(folder, `out-${made++}`)

let model!: Model
test.before(async () => {
  model = await load('test/fixtures/models/chars.onnx')
})
const AT = 'transformer.h.1.output'

/** Documents of many lengths. */
const documents = Array.from({ length: 19 }, (_, d) =>
  Array.from({ length: 3 * (1 + ((d * 7) % 4)) }, (_, p) => (d * p + 3) % 65),
)

async function all(options: Omit<HarvestOptions, 'out'>, of: Model = model): Promise<HarvestRows> {
  const found = await harvest(of, { out: fresh(), ...options } as HarvestOptions)
  for await (const rows of found.batches({ size: found.rows })) return rows
  throw new Error('There are no rows.')
}

/** The largest difference between a stored row and the same row of a run of its document alone. */
async function farthest(rows: HarvestRows, at: string, alone: (document: number) => Promise<Tensor>): Promise<number> {
  const stored = rows.values[at].data as Float32Array
  const width = stored.length / rows.document.length
  let worst = 0
  const known = new Map<number, ArrayLike<number>>()
  for (const [i, document] of rows.document.entries()) {
    if (!known.has(document)) known.set(document, (await alone(document)).data as Float32Array)
    const from = rows.position[i] * width
    for (let k = 0; k < width; k++)
      worst = Math.max(worst, Math.abs(stored[i * width + k] - known.get(document)![from + k]))
  }
  return worst
}

test('each row is that of its document alone, with its document, position and token', async t => {
  const rows = await all({ at: 'transformer.h.*.output', ids: documents, shardRows: 30 })
  t.deepEqual(
    Object.keys(rows.values),
    [0, 1, 2, 3].map(layer => `transformer.h.${layer}.output`),
  )
  t.deepEqual(
    [...rows.document],
    documents.flatMap((ids, d) => ids.map(() => d)),
  )
  t.deepEqual(
    [...rows.position],
    documents.flatMap(ids => ids.map((_, p) => p)),
  )
  t.deepEqual([...rows.token], documents.flat())
  const far = await farthest(rows, AT, d =>
    model.trace([documents[d]], m => m.module('transformer.h.1').output as Tensor),
  )
  t.true(far < 1e-5, String(far))
})

test('any documents and any cuts give all rows once', async t => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(fc.nat(64), { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 6 }),
      fc.record({ shardRows: fc.integer({ min: 1, max: 12 }), contextLength: fc.integer({ min: 1, max: 3 }) }),
      async (ids, cuts) => {
        const { document, position, token } = await all({ at: AT, ids, ...cuts })
        t.deepEqual(
          [...document],
          ids.flatMap((own, d) => own.map(() => d)),
        )
        t.deepEqual(
          [...position],
          ids.flatMap(own => own.map((_, p) => p)),
        )
        t.deepEqual([...token], ids.flat())
      },
    ),
    { numRuns: 6 },
  )
})

test('positions, pooled rows and dtypes', async t => {
  const alone = await Promise.all(
    documents.map(ids => model.trace([ids], m => m.module('transformer.h.1').output as Tensor)),
  )
  const near = (rows: HarvestRows, expected: readonly ArrayLike<number>[], within = 1e-5): void => {
    const stored = rows.values[AT].data as ArrayLike<number>
    t.is(rows.document.length, expected.length)
    const worst = expected.flatMap((row, i) =>
      Array.from(row, (value, k) => Math.abs(Number(stored[i * 128 + k]) - value)),
    )
    t.true(Math.max(...worst) < within, String(Math.max(...worst)))
  }
  const row = (d: number, p: number): Float32Array => (alone[d].data as Float32Array).slice(p * 128, (p + 1) * 128)
  near(
    await all({ at: AT, ids: documents, take: 'last' }),
    documents.map((ids, d) => row(d, ids.length - 1)),
  )
  const some = await all({ at: AT, ids: documents, take: [0, 5, -1] })
  const positions = documents.map(ids =>
    [...new Set([0, 5, ids.length - 1])].filter(p => p < ids.length).sort((a, b) => a - b),
  )
  t.deepEqual([...some.position], positions.flat())
  near(
    some,
    positions.flatMap((own, d) => own.map(p => row(d, p))),
  )
  const mean = await all({ at: AT, ids: documents, take: 'mean' })
  t.deepEqual([...new Set(mean.position)], [-1])
  near(mean, await Promise.all(alone.map(async one => (await one.mean([1]).value()).data as Float32Array)))
  near(
    await all({ at: AT, ids: documents, take: 'max' }),
    await Promise.all(alone.map(async one => (await one.amax([1]).value()).data as Float32Array)),
  )
  for (const [dtype, within] of [
    ['float16', 0.02],
    ['bfloat16', 0.13],
  ] as const)
    near(
      await all({ at: AT, ids: documents, dtype }),
      documents.flatMap((ids, d) => ids.map((_, p) => row(d, p))),
      within,
    )
})

test('values are read after an edit, which sees one document at a time', async t => {
  const edit = (m: Model): void => {
    const h = m.module('transformer.h.0').output as Tensor
    // It names a row, so that in a batch it would change one document alone.
    h.set([{ start: 0, stop: 1 }], h.slice([{ start: 0, stop: 1 }]).mul(2))
  }
  const same = [
    [1, 2, 3],
    [4, 5, 6],
    [7, 8, 9],
  ]
  const rows = await all({ at: AT, ids: same, edit })
  const far = await farthest(rows, AT, d =>
    model.edit(edit).trace([same[d]], m => m.module('transformer.h.1').output as Tensor),
  )
  t.true(far < 1e-5, String(far))
  const plain = await farthest(rows, AT, d => model.trace([same[d]], m => m.module('transformer.h.1').output as Tensor))
  t.true(plain > 0.1)
})

test('a tensor of the user that an edit puts in a place keeps its numbers', async t => {
  const own = tensor(Array.from({ length: 3 }, (_, p) => Array.from({ length: 128 }, (_, k) => p + k / 128))).reshape([
    1, 3, 128,
  ])
  const edit = (m: Model): void => {
    m.module('transformer.h.1').output = own
  }
  const before = (await own.value()).tolist()
  const rows = await all({
    at: AT,
    ids: [
      [1, 2, 3],
      [4, 5, 6],
      [7, 8, 9],
    ],
    edit,
  })
  t.deepEqual(
    [...(rows.values[AT].data as Float32Array)],
    [before, before, before].flatMap(one => (one as number[][][]).flat(2)),
  )
  t.deepEqual((await own.value()).tolist(), before)
})

test('shards of megabytes hold what runs give, in each format and dtype', async t => {
  const ids = Array.from({ length: 75 }, (_, d) => Array.from({ length: 64 }, (_, p) => (d * 7 + p * p) % 65))
  for (const [format, dtype, within] of [
    ['safetensors', 'float32', 1e-5],
    ['safetensors', 'float16', 0.02],
    ['safetensors', 'bfloat16', 0.13],
    ['parquet', 'float32', 1e-5],
    ['arrow', 'float32', 1e-5],
  ] as const) {
    const out = fresh()
    const found = await harvest(model, { at: 'transformer.h.*.output', ids, out, format, dtype, shardRows: 2432 })
    const shards = readdirSync(out).filter(name => name.startsWith('shard'))
    t.is(shards.length, 2)
    for (const name of shards) t.true(statSync(join(out, name)).size > 2 ** 20, name)
    for await (const rows of found.batches({ size: found.rows })) {
      t.deepEqual([...rows.token], ids.flat())
      const float = { ...rows, values: { [AT]: await rows.values[AT].to('float32').value() } }
      const far = await farthest(float, AT, d =>
        model.trace([ids[d]], m => m.module('transformer.h.1').output as Tensor),
      )
      t.true(far < within, `${format} ${dtype}: ${far}`)
    }
  }
})

test('a model whose documents affect each other runs them one by one', async t => {
  const mixing = await load('examples/models/induction-int8.onnx')
  const ids = Array.from({ length: 6 }, (_, d) => Array.from({ length: 8 }, (_, p) => (d * 5 + p) % 30))
  const at = 'transformer.h.1.output'
  const rows = await all({ at, ids }, mixing)
  const far = await farthest(rows, at, d => mixing.trace([ids[d]], m => m.module('transformer.h.1').output as Tensor))
  t.is(far, 0)
  await mixing.release()
})

test('sources: lines, JSON, Parquet, Arrow, safetensors, folders and streams give the same documents', async t => {
  const ids = documents.slice(0, 5).map((_, d) => [d, d + 1, d + 2])
  const write = (name: string, content: string | Uint8Array): string => {
    const path = join(folder, name)
    writeFileSync(path, content)
    return path
  }
  const lines = write('ids.jsonl', ids.map(own => `${JSON.stringify({ input_ids: own })}\n`).join(''))
  const bare = write('bare.jsonl', `${ids.map(own => JSON.stringify(own)).join('\n\n')}\n`)
  const schema = [
    { name: 'root', num_children: 1 },
    { name: 'input_ids', repetition_type: 'OPTIONAL', converted_type: 'LIST', num_children: 1 },
    { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
    { name: 'element', type: 'INT32', repetition_type: 'OPTIONAL' },
  ] as never
  const parquet = write(
    'ids.parquet',
    new Uint8Array(parquetWriteBuffer({ columnData: [{ name: 'input_ids', data: ids }], schema })),
  )
  const arrow = write('ids.arrow', tableToIPC(tableFromArrays({ input_ids: ids as never }), 'file'))
  const stored = join(folder, 'ids.safetensors')
  await writeSafetensors(stored, { input_ids: tensor(ids, { type: 'int64' }) })
  const stream = async function* () {
    yield* ids
  }
  for (const source of [lines, [bare], parquet, arrow, stored, stream(), ids]) {
    const { token, document } = await all({ at: AT, ids: source })
    t.deepEqual([...token], ids.flat())
    t.deepEqual(
      [...document],
      ids.flatMap((_, d) => [d, d, d]),
    )
  }
})

test('inputs of a model that is no language model, document by document', async t => {
  const images = tensor(Array.from({ length: 5 }, (_, d) => Array.from({ length: 4 }, (_, k) => d + k / 10)))
  const { floats, graph, model: handMade, node, OnnxType, saved, value } = await import('../model/hand-graph.ts')
  const small = await load(
    saved(
      handMade(
        graph({
          inputs: [value('x', OnnxType.FLOAT, ['batch', 4])],
          initializers: [
            floats(
              'w',
              [4, 3],
              Array.from({ length: 12 }, (_, i) => i),
            ),
          ],
          nodes: [node('MatMul', ['x', 'w'], ['y'], {}, '/dense/MatMul'), node('Relu', ['y'], ['z'], {}, '/act/Relu')],
          outputs: [value('z', OnnxType.FLOAT, ['batch', 3])],
        }),
      ),
    ),
  )
  const rows = await all(
    { at: 'dense.output', tensors: [images as unknown as Exclude<Inputs, string>], batchSize: 2 },
    small,
  )
  const expected = await small.trace(images, m => m.module('dense').output as Tensor)
  const [stored, whole] = [rows.values['dense.output'].data, expected.data] as Float32Array[]
  t.true(stored.every((value, i) => Math.abs(value - whole[i]) < 1e-4))
  t.deepEqual([...rows.document], [0, 1, 2, 3, 4])
  await small.release()
})

for (const format of ['safetensors', 'parquet', 'arrow'] as const)
  test(`${format}: shuffled reading gives each row once, in an order that the seed decides`, async t => {
    const found = await harvest(model, { at: AT, ids: documents, out: fresh(), format, shardRows: 20 })
    const read = async (shuffle: number, size: number): Promise<string[]> => {
      const keys: string[] = []
      for await (const { document, position, values } of found.batches({ shuffle, size, pool: 2 })) {
        t.is(values[AT].dims[0], document.length)
        document.forEach((d, i) => {
          keys.push(`${d}:${position[i]}`)
        })
      }
      return keys
    }
    const [one, again, other] = [await read(1, 16), await read(1, 16), await read(2, 7)]
    t.deepEqual(one, again)
    t.notDeepEqual(one, other)
    const ordered = documents.flatMap((ids, d) => ids.map((_, p) => `${d}:${p}`)).sort()
    t.deepEqual([...one].sort(), ordered)
    t.deepEqual([...other].sort(), ordered)
  })

for (const dtype of ['float32', 'float16'] as const)
  test(`${dtype}: statistics are those of all rows`, async t => {
    // A shard whose sums are taken in several pieces, and a small one.
    const long = Array.from({ length: 45 }, (_, d) => Array.from({ length: 100 }, (_, p) => (d * 11 + p * p) % 65))
    const found = await harvest(model, { at: AT, ids: [...documents, ...long], out: fresh(), shardRows: 4400, dtype })
    const { [AT]: statistics } = await found.statistics()
    for await (const { values } of found.batches({ size: found.rows })) {
      const whole = values[AT].to('float32')
      const [mean, std, norms] = await Promise.all([
        whole.mean([0]).value(),
        whole.std([0], { correction: 0 }).value(),
        whole.norm(2, [1]).value(),
      ])
      const far = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
        Math.max(...Array.from(a, (x, i) => Math.abs(x - b[i])))
      t.true(far(statistics.mean, mean.data as Float32Array) < 1e-4)
      t.true(far(statistics.std, std.data as Float32Array) < 1e-4)
      const sorted = [...(norms.data as Float32Array)].sort((a, b) => a - b)
      t.is(statistics.count, found.rows)
      t.true(Math.abs(statistics.norm.quantiles[0] / sorted[0] - 1) < 1e-6)
      t.true(Math.abs(statistics.norm.quantiles[1] / sorted.at(-1)! - 1) < 1e-6)
      t.true(Math.abs(statistics.norm.quantiles[0.5] / sorted[sorted.length >> 1] - 1) < 0.05)
      t.true(Math.abs(statistics.norm.mean - sorted.reduce((a, b) => a + b) / sorted.length) < 1e-3)
    }
  })

test('quantiles of single numbers are those of all elements of the rows', async t => {
  // So many rows that every k-th number would be an element of the same column.
  const ids = Array.from({ length: 128 }, (_, d) => Array.from({ length: 32 }, (_, p) => (d * 7 + p * p) % 65))
  const found = await harvest(model, { at: AT, ids, out: fresh() })
  const { [AT]: statistics } = await found.statistics()
  for await (const { values } of found.batches({ size: found.rows })) {
    const sorted = (values[AT].data as Float32Array).slice().sort()
    for (const share of [0.01, 0.1, 0.5, 0.9, 0.99] as const) {
      const below = sorted.findIndex(value => value > statistics.values.quantiles[share])
      t.true(Math.abs(below / sorted.length - share) < 0.02, `${share}: ${below / sorted.length}`)
    }
  }
})

test('a harvest goes on where it was stopped, from documents that are made only once', async t => {
  const options = { at: AT, shardRows: 25 }
  const whole = await harvest(model, { ...options, ids: documents, out: fresh() })
  const out = fresh()
  const stop = new AbortController()
  let shards = 0
  const stopped = harvest(model, {
    ...options,
    ids: documents,
    out,
    signal: stop.signal,
    onProgress(progress) {
      shards = progress.shards
      if (shards === 2) stop.abort()
    },
  })
  const reason: unknown = await stopped.catch((error: unknown) => error)
  t.is(reason, stop.signal.reason)
  t.false((await openHarvest(out)).index.complete)
  t.true(shards >= 2)
  const before = readdirSync(out).filter(name => name.startsWith('shard')).length
  t.true(before < whole.index.shards.length)
  const made = async function* () {
    yield* documents
  }
  const again = await harvest(model, { ...options, ids: made(), out })
  t.true(again.index.complete)
  t.deepEqual(again.index.shards, whole.index.shards)
  for (const { file } of whole.index.shards)
    t.deepEqual(readFileSync(join(out, file)), readFileSync(join(whole.folder, file)))
})

test('progress counts the rows that are computed, and their part of the documents', async t => {
  const ids = documents.map(own => own.slice(0, 3))
  const told: HarvestProgress[] = []
  const out = fresh()
  const rows = ids.flat().length
  await harvest(model, { at: AT, ids, out, shardRows: 30, batchSize: 6, onProgress: one => told.push(one) })
  const isEven = (all: readonly HarvestProgress[]): void => {
    for (const [i, { rows: done, part }] of all.entries()) {
      t.true(i === 0 || done >= all[i - 1].rows)
      t.is(Math.round(part! * rows), done)
    }
  }
  isEven(told)
  // Each batch, and each shard.
  t.is(told.length, 10 + 2)
  const shards = readdirSync(out).filter(name => name.startsWith('shard'))
  const bytes = shards.reduce((sum, name) => sum + readFileSync(join(out, name)).length, 0)
  t.like(told.at(-1), { rows, bytes, shards: shards.length, part: 1, secondsLeft: 0 })
  // One that goes on counts what is there.
  rmSync(join(out, shards[0]))
  const again: HarvestProgress[] = []
  await harvest(model, { at: AT, ids, out, shardRows: 30, batchSize: 6, onProgress: one => again.push(one) })
  t.is(again[0].rows, rows - 30 + 6)
  t.like(again.at(-1), { rows, shards: shards.length })
  writeFileSync(join(folder, 'progress.jsonl'), ids.map(own => `${JSON.stringify(own)}\n`).join(''))
  const { code, stderr } = await onnsight([
    ...['harvest', 'test/fixtures/models/chars.onnx', '--at', AT, '--ids', join(folder, 'progress.jsonl')],
    ...['--out', fresh()],
  ])
  t.is(code, 0)
  t.regex(stderr, new RegExp(`100%, ${rows} rows, \\d+ a second, [\\d.]+ kB written, 0 s left\n$`, 'u'))
})

test('a harvest waits while the disk has too little room, and goes on when there is some', async t => {
  const out = fresh()
  const options = { at: AT, ids: documents, out, shardRows: 25 }
  const stop = new AbortController()
  const waited = harvest(model, {
    ...options,
    keepFree: 2 ** 60,
    signal: stop.signal,
    onProgress: ({ waitsFor }) => waitsFor === 'disk space' && stop.abort(),
  })
  t.like(await waited.catch((error: unknown) => error), { name: 'AbortError' })
  t.deepEqual(readdirSync(out), ['index.json'])

  // A file of two gigabytes goes while the harvest waits for one more than is free.
  const large = join(out, 'large')
  const GIB = 2 ** 30
  if (spawnSync('fallocate', ['-l', String(2 * GIB), large]).status !== 0) {
    t.log('The room that comes back was not tried: there is no fallocate, or no room.')
    return
  }
  const { bavail, bsize } = statfsSync(out)
  const said: (string | undefined)[] = []
  const whole = await harvest(model, {
    ...options,
    keepFree: bavail * bsize + GIB,
    onProgress({ waitsFor }) {
      said.push(waitsFor)
      if (waitsFor) rmSync(large, { force: true })
    },
  })
  t.true(said.includes('disk space'))
  t.is(whole.rows, documents.flat().length)
})

test('a folder of another harvest is refused, and each difference is named', async t => {
  const out = fresh()
  const edit =
    (strength: number) =>
    (m: Model): void => {
      m.module('transformer.h.0').output = (m.module('transformer.h.0').output as Tensor).mul(strength)
    }
  await harvest(model, { at: AT, ids: documents, out, edit: edit(2) })
  const message = async (options: Partial<HarvestOptions>): Promise<string> =>
    (await t.throwsAsync(harvest(model, { at: AT, ids: documents, out, edit: edit(2), ...options })))!.message
  t.regex(await message({ at: 'transformer.h.2.output' }), /another at/)
  t.regex(await message({ dtype: 'float16' }), /another dtype/)
  t.regex(await message({ format: 'arrow' }), /another format/)
  t.regex(await message({ take: 'last' }), /another take/)
  t.regex(await message({ edit: edit(3) }), /another edits/)
  t.regex(await message({ contextLength: 4 }), /another contextLength/)
  t.is((await harvest(model, { at: AT, ids: documents, out, edit: edit(2) })).rows, documents.flat().length)
})

test('places that can’t be stored as rows are refused by name', async t => {
  const message = async (options: Partial<HarvestOptions>): Promise<string> =>
    (await t.throwsAsync(harvest(model, { at: AT, ids: documents, out: fresh(), ...options })))!.message
  t.regex(await message({ at: 'transformer.h.*' }), /end it with \.output or \.input/)
  t.regex(await message({ at: 'transformer.g.*.output' }), /names no place/)
  t.regex(await message({ at: 'blocks.0.attn.hook_pattern' }), /2 axes/)
  t.regex(await message({ take: 'whole' }), /larger for longer documents/)
  t.regex(await message({ take: 1.5 }), /take is 1\.5/)
  t.regex(await message({ ids: undefined } as never), /No documents/)
  t.regex(await message({ texts: ['What light'], ids: undefined } as never), /without a tokenizer/)
  t.regex(await message({ ids: join(folder, 'none.jsonl') }), /can’t be read/)
})

test('a shard is a plain safetensors file', async t => {
  const found = await harvest(model, { at: AT, ids: documents, out: fresh() })
  const { file } = found.index.shards[0]
  const tensors = await readSafetensors(join(found.folder, file))
  t.deepEqual(Object.keys(tensors).sort(), ['document', 'position', 'token', AT].sort())
  t.deepEqual(tensors[AT].dims, [found.rows, 128])
  t.deepEqual(tensors.token.tolist(), documents.flat())
})

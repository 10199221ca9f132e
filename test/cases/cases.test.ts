import { execFileSync } from 'node:child_process'
import test from 'ava'
import { load } from 'onnsight'
import * as ort from 'onnxruntime-node'
import { published, rowsIn, writePage } from './parity-page.ts'

/** What the program that runs cases prints of a file. */
function outputOf(cases: string): string {
  const args = ['--enable-source-maps', '--import', 'onnsight/register', 'test/cases/run.ts']
  return execFileSync(process.execPath, [...args, '--cases', cases, '--models', 'test/fixtures/models'], {
    encoding: 'utf8',
  })
}

test('every stored case of reads, edits and generations is within tolerance of what PyTorch computed', t => {
  const output = outputOf('test/fixtures/cases.json')
  t.regex(output, /^71 of 71 within tolerance$/m)
  if (process.env.UPDATE_PARITY) writePage(output.match(/(^\|.*\n)+/m)![0].trim())
  const told = published()
  const seen = rowsIn(output)
  const named = (rows: typeof seen) => rows.map(({ what, count }) => `${count} ${what}`)
  t.deepEqual(named(seen), named(told), 'docs/parity.md is old: run with UPDATE_PARITY=1')
  t.is(
    seen.reduce((sum, { count }) => sum + count, 0),
    71,
  )
  seen.forEach(({ what, off }, i) => {
    t.true(off <= 5 * told[i].off, `${what}: ${off}, docs/parity.md says ${told[i].off}`)
  })
})

test('a text model in float32, in float16 and with fused operators and 4-bit weights: every case is within tolerance', t => {
  const output = outputOf('test/fixtures/verse/cases.json')
  t.regex(output, /^35 of 35 within tolerance$/m)
})

test('every stored gradient is within tolerance of what PyTorch’s autograd computed', t => {
  const output = outputOf('test/fixtures/gradients/cases.json')
  t.regex(output, /^18 of 18 within tolerance$/m)
})

for (const name of ['chars', 'chars-scopes', 'chars-external', 'chars-fp16', 'induction']) {
  test(`${name}: without an edit, the bits of plain onnxruntime`, async t => {
    const file = `test/fixtures/models/${name}.onnx`
    const rows = [0, 1].map(row => Array.from({ length: 40 }, (_, i) => (7 * i + 3 * row) % 60))
    const model = await load(file)
    t.true(model.engine.blocks.length > 1)
    const { logits } = await model.run({ input_ids: rows })
    const session = await ort.InferenceSession.create(file)
    const ids = new ort.Tensor('int64', BigInt64Array.from(rows.flat(), BigInt), [2, 40])
    const bare = await session.run({ input_ids: ids })
    t.deepEqual(bits(logits.data as ArrayBufferView), bits(bare.logits.data as ArrayBufferView))
    await model.release()
    await session.release()
  })
}

for (const name of ['model', 'model_fp16', 'model_int8', 'model_q4']) {
  test(`verse/${name}: without an edit, the bits of plain onnxruntime`, async t => {
    const file = `test/fixtures/models/verse/onnx/${name}.onnx`
    const ids = Array.from({ length: 20 }, (_, i) => 2 + ((37 * i) % 1000))
    const model = await load(file)
    const { logits } = await model.run({ input_ids: [ids] })
    const session = await ort.InferenceSession.create(file)
    const tokens = (of: (i: number) => number): ort.Tensor =>
      new ort.Tensor(
        'int64',
        BigInt64Array.from(ids, (_, i) => BigInt(of(i))),
        [1, ids.length],
      )
    const feeds: Record<string, ort.Tensor> = {}
    for (const { name, type } of model.signature.inputs) {
      if (name === 'input_ids') feeds[name] = tokens(i => ids[i])
      else if (name === 'attention_mask') feeds[name] = tokens(() => 1)
      else if (name === 'position_ids') feeds[name] = tokens(i => i)
      else
        feeds[name] = new ort.Tensor(
          type as 'float32',
          type === 'float16' ? new Uint16Array(0) : new Float32Array(0),
          [1, 2, 0, 32],
        )
    }
    const bare = await session.run(feeds)
    t.deepEqual(bits(logits.data as ArrayBufferView), bits(bare.logits.data as ArrayBufferView))
    await model.release()
    await session.release()
  })
}

const bits = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength)

test('a case that is off is reported, and the exit code says so', t => {
  const args = ['--import', 'onnsight/register', 'test/cases/run.ts']
  const error = t.throws(() =>
    execFileSync(
      process.execPath,
      [...args, '--cases', 'test/fixtures/cases-wrong.json', '--models', 'test/fixtures/models'],
      { encoding: 'utf8', stdio: 'pipe' },
    ),
  ) as Error & { status: number; stdout: string }
  t.is(error.status, 1)
  t.regex(error.stdout, /failed {2}wrong\/value: logits: off by/)
  t.regex(error.stdout, /^0 of 1 within tolerance$/m)
})

import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { load, type Model, OnnsightError, ones, type Tensor } from 'onnsight'

const folder = mkdtempSync(join(tmpdir(), 'onnsight-'))
const chars = 'test/fixtures/models/chars.onnx'
const written = (name: string, content: string | Uint8Array): string => {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

const files: Record<string, [path: () => string, code: string, message: RegExp]> = {
  'no file': [() => 'test/fixtures/models/char.onnx', 'model-not-found', /That folder has .*chars\.onnx/],
  'a folder': [() => folder, 'unreadable-model', /it is a folder/],
  'an empty file': [() => written('empty.onnx', ''), 'not-onnx', /an empty file/],
  garbage: [
    () =>
      written(
        'garbage.onnx',
        Uint8Array.from({ length: 4000 }, (_, i) => (i * 7919 + 13) % 251),
      ),
    'not-onnx',
    /no/,
  ],
  'a web page': [() => written('page.onnx', '<!DOCTYPE html><html>404</html>'), 'not-onnx', /a web page/],
  'a Git LFS pointer': [
    () => written('lfs.onnx', 'version https://git-lfs.github.com/spec/v1\noid sha256:0\n'),
    'not-onnx',
    /git lfs pull/,
  ],
  'a cut-off file': [
    () => {
      const path = written('cut.onnx', readFileSync(chars))
      truncateSync(path, 2_000_000)
      return path
    },
    'truncated-model',
    /it has only 2000000 bytes/,
  ],
  'missing external data': [
    () => {
      const path = join(folder, 'chars-external.onnx')
      copyFileSync('test/fixtures/models/chars-external.onnx', path)
      return path
    },
    'external-data',
    /chars-external\.onnx\.data, but that file does not exist/,
  ],
  'short external data': [
    () => {
      const inner = mkdtempSync(join(folder, 'short-'))
      copyFileSync('test/fixtures/models/chars-external.onnx', join(inner, 'm.onnx'))
      writeFileSync(join(inner, 'chars-external.onnx.data'), new Uint8Array(1000))
      return join(inner, 'm.onnx')
    },
    'external-data',
    /is too short/,
  ],
}

for (const [name, [path, code, message]] of Object.entries(files)) {
  test(`load refuses ${name}`, async t => {
    const error = (await t.throwsAsync(load(path()))) as OnnsightError
    t.true(error instanceof OnnsightError, String(error))
    t.is(error.code, code)
    t.regex(error.message, message)
    t.truthy(error.fix)
  })
}

test('a Hugging Face cache, whose files are symlinks into another folder, loads', async t => {
  const [blobs, snapshot] = [join(folder, 'blobs'), join(folder, 'snapshot')]
  mkdirSync(blobs)
  mkdirSync(snapshot)
  for (const name of ['chars-external.onnx', 'chars-external.onnx.data']) {
    copyFileSync(join('test/fixtures/models', name), join(blobs, `sha-${name.length}`))
    symlinkSync(join('..', 'blobs', `sha-${name.length}`), join(snapshot, name))
  }
  const model = await load(join(snapshot, 'chars-external.onnx'))
  const { logits } = await model.run([[1, 2, 3]])
  t.deepEqual([...logits.dims], [1, 3, 65])
  await model.release()
})

let model!: Model
test.before(async () => {
  model = await load(chars)
})

const inputs: Record<string, [given: unknown, message: RegExp]> = {
  nothing: [undefined, /No inputs were given[\s\S]*input_ids: int64 \[batch, sequence\]/],
  'an unknown name': [{ input_id: [[1]] }, /no input input_id\. Did you mean input_ids/],
  'ragged arrays': [{ input_ids: [[1, 2], [3]] }, /have different lengths/],
  'NaN where integers are due': [{ input_ids: [[Number.NaN]] }, /NaN is not an integer, and int64 is needed/],
  'a fraction': [{ input_ids: [[1.5]] }, /1\.5 is not an integer, and int64 is needed/],
  'a wrong rank': [{ input_ids: [1, 2] }, /has 1 dims, .*, but must have 2/],
  'a bigint that int64 can’t hold': [{ input_ids: [[2n ** 63n]] }, /does not fit into int64/],
  'a number beyond 2^53': [{ input_ids: [[2 ** 53 + 2]] }, /9007199254740994n/],
  'a promise': [{ input_ids: Promise.resolve([[1]]) }, /a promise\.[\s\S]*await it first/],
  'undefined among the elements': [{ input_ids: [[1, undefined]] }, /undefined among the elements/],
  text: [{ input_ids: [['a']] }, /got the text "a", but takes token ids/],
  'no elements': [{ input_ids: [[]] }, /has no tokens/],
  'a wrong typed array': [{ input_ids: new Float32Array(4) }, /is float32, and must be int64/],
}

for (const [name, [given, message]] of Object.entries(inputs)) {
  test(`a trace refuses ${name}, before anything runs`, async t => {
    let ran = false
    const error = (await t.throwsAsync(
      model.trace(given as never, () => {
        ran = true
      }),
    )) as OnnsightError
    t.is(error.code, 'input')
    t.regex(error.message, message)
    t.false(ran)
  })
}

test('a path that is not there names the nearest', async t => {
  await t.throwsAsync(
    model.trace([[1]], m => m.transformer.g[0].output),
    { code: 'unknown-module', message: /transformer has no module g[\s\S]*did you mean h/ },
  )
  await t.throwsAsync(
    model.trace([[1]], m => m.transformer.h[0].attn.ops.Softmaxx[0].output),
    { code: 'unknown-operation', message: /Softmax/ },
  )
  t.throws(() => model.node('/lm_head/MatMull'), { code: 'unknown-name', message: /did you mean \/lm_head\/MatMul/ })
})

test('CUDA that is missing says how to get it, and falls back only where allowed', async t => {
  await t.throwsAsync(load(chars, { provider: 'cuda' }), {
    code: 'cuda-unavailable',
    message: /ONNXRUNTIME_NODE_INSTALL=cuda12/,
  })
  const onCpu = await load(chars, { provider: 'cuda', fallback: 'cpu' })
  t.deepEqual([...(await onCpu.run([[1]])).logits.dims], [1, 1, 65])
  await onCpu.release()
})

test('an option that is not there names the nearest', async t => {
  await t.throwsAsync(load(chars, { thread: 2 } as never), {
    code: 'unknown-option',
    message: /has no option thread[\s\S]*write threads/,
  })
})

test('a value that was not saved: every way to its data says so, and printing it does not throw', async t => {
  let leaked!: Tensor
  await model.trace([[1, 2]], m => {
    leaked = m.transformer.h[0].output
  })
  const ways: Record<string, () => unknown> = {
    data: () => leaked.data,
    tolist: () => leaked.tolist(),
    item: () => leaked.item(),
    'JSON.stringify': () => JSON.stringify({ leaked }),
    'an operation': () => leaked.add(1),
    'a slice': () => leaked.slice(':, 0'),
  }
  for (const [name, way] of Object.entries(ways)) t.throws(way, { code: 'not-saved', message: /save\(/ }, name)
  await t.throwsAsync(leaked.value(), { code: 'not-saved' })
  await t.throwsAsync(model.run({ input_ids: leaked }), { code: 'input', message: /never saved/ })
  t.regex(String(leaked), /its trace has ended, and it was not saved/)
  const kept = await model.trace([[1]], m => m.lm_head.output.slice('0, 0, :2'))
  t.deepEqual(JSON.parse(JSON.stringify(kept)), kept.tolist())
})

const writes: Record<string, [value: unknown, code: string, message: RegExp]> = {
  'more rows than there are': [ones([3, 2, 128]), 'shape', /\[3, 2, 128\] does not fit a slice of \[1, 2, 128\]/],
  'another width': [ones([1, 2, 64]), 'shape', /\[1, 2, 64\]/],
  text: ['a', 'dtype', /"a" is not a number, and float32/],
  undefined: [undefined, 'argument', /undefined/],
  'an object': [{}, 'argument', /an object/],
}
for (const [name, [value, code, message]] of Object.entries(writes)) {
  test(`a write of ${name} is refused at its line, before anything runs`, async t => {
    const error = (await t.throwsAsync(
      model.trace([[1, 2]], m => {
        m.transformer.h[0].output = value as never
        return m.lm_head.output
      }),
    )) as OnnsightError
    t.is(error.code, code)
    t.regex(error.message, message)
    t.regex(error.at?.file ?? '', /bad-input\.test/)
  })
}

test('after any of these the model works as before', async t => {
  const { logits } = await model.run([[1, 2]])
  t.deepEqual([...logits.dims], [1, 2, 65])
})

test('use after release', async t => {
  const released = await load(chars)
  await released.release()
  await t.throwsAsync(released.run([[1]]), { code: 'use-after-release' })
})

test('an aborted load or trace stops with the signal’s reason', async t => {
  const signal = AbortSignal.abort(new Error('enough'))
  await t.throwsAsync(load(chars, { signal }), { message: 'enough' })
  await t.throwsAsync(
    model.trace([[1]], { signal }, m => m.lm_head.output),
    { message: 'enough' },
  )
})

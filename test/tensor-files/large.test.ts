import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { freemem, tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { create, toBinary } from '@bufbuild/protobuf'
import test from 'ava'
import { load, type OnnsightError, readSafetensors, type Tensor } from 'onnsight'
import { ModelProtoSchema, type TensorProto, TensorProtoSchema } from '#dist/runtime/onnx/schema/onnx_pb.js'
import { npyHeader } from '#dist/runtime/tensor-files/npy-header.js'
import { graph, model, node, OnnxType, value } from '../model/hand-graph.ts'

const GIB = 2 ** 30
const folder = mkdtempSync(join(tmpdir(), 'onnsight-large-'))
test.after.always(() => rmSync(folder, { recursive: true }))

/** Writes a file that is a hole, except its start and some marked bytes. */
async function holes(name: string, start: Uint8Array, size: number, marks: ReadonlyMap<number, Uint8Array>) {
  const path = join(folder, name)
  const file = await open(path, 'w')
  await file.write(start)
  for (const [at, bytes] of marks) await file.write(bytes, 0, bytes.length, start.length + at)
  await file.truncate(start.length + size)
  await file.close()
  return path
}

function safetensorsStart(entry: { dtype: string; shape: number[]; data_offsets: [number, number] }): Buffer {
  const json = Buffer.from(JSON.stringify({ x: entry }).padEnd(96))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(json.length))
  return Buffer.concat([length, json])
}

const SIZE = 2 * GIB + 4096
const places = [0, GIB, 2 * GIB - 1, 2 * GIB, SIZE - 1]
const marks = new Map(places.map((place, i) => [place, Uint8Array.of(i + 1)]))
const starts = {
  'x.safetensors': safetensorsStart({ dtype: 'I8', shape: [SIZE], data_offsets: [0, SIZE] }),
  'x.npy': npyHeader('|i1', [SIZE]),
}

for (const [name, start] of Object.entries(starts)) {
  test.serial(`a tensor of more than 2 GiB is read whole: ${name}`, async t => {
    if (freemem() < 4 * GIB) {
      t.log('Not tested: there are less than 4 GiB of free memory.')
      return t.pass()
    }
    const path = await holes(name, start, SIZE, marks)
    const args = ['--import', 'onnsight/register', 'test/tensor-files/large-child.ts', path, ...places.map(String)]
    const { stdout } = await promisify(execFile)(process.execPath, args)
    t.deepEqual(JSON.parse(stdout), [1, 2, 3, 4, 5])
  })
}

test('a tensor that no array has room for is refused, before it is read', async t => {
  const size = 2 ** 43
  const start = safetensorsStart({ dtype: 'I8', shape: [size], data_offsets: [0, size] })
  const path = await holes('huge.safetensors', start, 0, new Map())
  const file = await open(path, 'r+')
  // Not every file system supports files of this size.
  const isThere = await file.truncate(start.length + size).then(
    () => true,
    () => false,
  )
  await file.close()
  if (!isThere) return t.pass()
  const error = (await t.throwsAsync(readSafetensors(path))) as OnnsightError
  t.is(error.code, 'invalid-tensors-file')
  t.regex(error.message, /no room/)
})

test('weights that lie beyond 4 GiB are run, read, changed and saved', async t => {
  const OFFSET = 4 * GIB + 8192
  const weights = Float32Array.from([1, 2, 3, 4, 5, 6])
  await holes('far.data', new Uint8Array(0), OFFSET + 4096, new Map([[OFFSET, new Uint8Array(weights.buffer)]]))
  const tensor: TensorProto = create(TensorProtoSchema, {
    name: 'w',
    dims: [2n, 3n],
    dataType: OnnxType.FLOAT,
    dataLocation: 1,
    externalData: Object.entries({ location: 'far.data', offset: OFFSET, length: 24 }).map(([key, entry]) => ({
      key,
      value: String(entry),
    })),
  })
  const main = graph({
    nodes: [node('MatMul', ['x', 'w'], ['y'], {}, '/head/MatMul')],
    inputs: [value('x', OnnxType.FLOAT, ['n', 2])],
    outputs: [value('y', OnnxType.FLOAT, ['n', 3])],
    initializers: [tensor],
  })
  const path = join(folder, 'far.onnx')
  writeFileSync(path, toBinary(ModelProtoSchema, model(main)))
  const numbers = (given: Tensor): number[] => Array.from(given.data as Float32Array)
  const copy = join(folder, 'near.onnx')
  const far = await load(path)
  t.deepEqual(numbers((await far.run({ x: [[1, 10]] })).y), [41, 52, 63])
  const { w, y } = await far.trace({ x: [[1, 10]] }, m => {
    const read = m.tensor('w')
    m.tensor('w').set('...', read.mul(2))
    return { w: read, y: m.tensor('y') }
  })
  t.deepEqual(
    [numbers(w), numbers(y)],
    [
      [1, 2, 3, 4, 5, 6],
      [82, 104, 126],
    ],
  )
  await far.save(copy, { weights: 'embedded' })
  await far.release()
  const near = await load(copy)
  t.deepEqual(numbers((await near.run({ x: [[1, 10]] })).y), [41, 52, 63])
  await near.release()
})

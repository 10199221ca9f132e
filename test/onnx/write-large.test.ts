import { execFile } from 'node:child_process'
import { open, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { create, toBinary } from '@bufbuild/protobuf'
import test from 'ava'
import { OnnsightError } from 'onnsight'
import { externalEntry } from '#dist/runtime/onnx/message/external-data.js'
import { readTensorBytes } from '#dist/runtime/onnx/message/tensor-value.js'
import { readModel } from '#dist/runtime/onnx/reading/read.js'
import { ModelProtoSchema } from '#dist/runtime/onnx/schema/onnx_pb.js'
import { writeModel } from '#dist/runtime/onnx/writing/write.js'
import { temporaryFolder } from './written.ts'

const GIB = 2 ** 30
/** The places of marked bytes in a file that is otherwise a hole. */
const marks: readonly (readonly [name: string, offset: number])[] = [
  ['first', 0],
  ['second', GIB + 12],
  ['third', 2 * GIB + 4100],
]
const LENGTH = 2.25 * GIB
const MARK = 2048

async function writeHoles(path: string): Promise<void> {
  const file = await open(path, 'w')
  for (const [i, [, offset]] of marks.entries()) await file.write(Buffer.alloc(MARK, i + 1), 0, MARK, offset)
  await file.truncate(LENGTH)
  await file.close()
}

test('weights beyond 2 GiB are read and written without entering memory', async t => {
  const folder = await temporaryFolder(t)
  const { bavail, bsize } = await statfs(folder)
  if (bavail * bsize < 8 * GIB) {
    t.log('Not tested: there is less than 8 GiB of room.')
    return t.pass()
  }
  await writeHoles(join(folder, 'holes.data'))
  const tensor = (name: string, offset: number, length: number) => ({
    name,
    dims: [BigInt(length)],
    dataType: 2,
    dataLocation: 1,
    externalData: Object.entries({ location: 'holes.data', offset, length }).map(([key, value]) => ({
      key,
      value: String(value),
    })),
  })
  const initializer = [...marks.map(([name, offset]) => tensor(name, offset, MARK)), tensor('whole', 0, LENGTH)]
  const model = create(ModelProtoSchema, { irVersion: 10n, graph: { name: 'large', initializer } })
  const source = join(folder, 'in.onnx')
  const file = await open(source, 'w')
  await file.write(toBinary(ModelProtoSchema, model))
  await file.close()

  const read = await readModel(source)
  await t.throwsAsync(writeModel(read, join(folder, 'inside.onnx'), { weights: 'embedded' }), {
    instanceOf: OnnsightError,
    message: /protobuf ends at 2 GiB/,
  })
  const target = join(folder, 'out.onnx')
  const child = ['--import', 'onnsight/register', 'test/onnx/save-child.ts', source, target]
  const { stdout } = await promisify(execFile)(process.execPath, child)
  const most = Number(stdout)
  t.true(most > 2 ** 20 && most < 512 * 2 ** 20, `the process held ${stdout} bytes`)
  const written = await readModel(target)
  const whole = written.message.graph!.initializer.find(({ name }) => name === 'whole')!
  const start = Number(externalEntry(whole, 'offset'))
  t.is(Number(externalEntry(whole, 'length')), LENGTH)
  const data = await open(`${target}.data`)
  t.teardown(() => data.close())
  for (const [i, [name, offset]] of marks.entries()) {
    const expected = Buffer.alloc(MARK, i + 1)
    for (const { message } of [read, written])
      t.true(expected.equals(await readTensorBytes(message.graph!.initializer[i])), `${name}, as a tensor`)
    const { buffer } = await data.read(Buffer.alloc(MARK), 0, MARK, start + offset)
    t.true(expected.equals(buffer), `${name}, within the whole`)
  }
  t.true((await data.stat()).blocks * 512 < GIB, 'holes stay holes')
})

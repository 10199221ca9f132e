import { execFile } from 'node:child_process'
import { open, statfs, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { toBinary } from '@bufbuild/protobuf'
import test from 'ava'
import { tensor } from 'onnsight'
import { ModelProtoSchema } from '#dist/runtime/onnx/schema/onnx_pb.js'
import { floats, graph, model, node, OnnxType, value } from '../model/hand-graph.ts'
import { temporaryFolder } from '../onnx/written.ts'
import { bare } from './compared.ts'

const GIB = 2 ** 30
const LENGTH = 2.25 * GIB
const WIDTH = 512

test('an edited model whose weights go beyond 2 GiB is saved without their entering memory', async t => {
  const folder = await temporaryFolder(t)
  const { bavail, bsize } = await statfs(folder)
  if (bavail * bsize < 8 * GIB) {
    t.log('Not tested: there is less than 8 GiB of room.')
    return t.pass()
  }
  const file = await open(join(folder, 'holes.data'), 'w')
  const offset = 2 * GIB + 4096
  const scale = Float32Array.from({ length: WIDTH }, (_, i) => i / WIDTH)
  await file.write(new Uint8Array(scale.buffer), 0, scale.byteLength, offset)
  await file.truncate(LENGTH)
  await file.close()
  const external = (name: string, dims: readonly number[], at: number, length: number) => ({
    ...floats(name, dims, []),
    dataLocation: 1,
    externalData: Object.entries({ location: 'holes.data', offset: at, length }).map(([key, text]) => ({
      $typeName: 'onnx.StringStringEntryProto' as const,
      key,
      value: String(text),
    })),
  })
  const inner = graph({
    inputs: [value('x', OnnxType.FLOAT, ['rows', WIDTH])],
    initializers: [external('w', [WIDTH], offset, 4 * WIDTH), external('unread', [LENGTH / 4], 0, LENGTH)],
    nodes: [node('Mul', ['x', 'w'], ['h'], {}, 'scale'), node('Neg', ['h'], ['y'], {}, 'neg')],
    outputs: [value('y', OnnxType.FLOAT, ['rows', WIDTH])],
  })
  const source = join(folder, 'in.onnx')
  await writeFile(source, toBinary(ModelProtoSchema, model(inner)))

  const target = join(folder, 'out.onnx')
  const child = ['--import', 'onnsight/register', 'test/export/save-child.ts', source, target]
  const env = { ...process.env, FORCE_COLOR: '0', NO_COLOR: undefined }
  const { stdout } = await promisify(execFile)(process.execPath, child, { env })
  const most = Number(stdout)
  t.true(most > 2 ** 20 && most < 512 * 2 ** 20, `the process held ${stdout} bytes`)
  const data = await open(`${target}.data`)
  t.teardown(() => data.close())
  const { size, blocks } = await data.stat()
  t.true(size >= LENGTH && blocks * 512 < GIB, 'weights that nobody read before stay, and holes stay holes')
  const x = tensor(
    Float32Array.from({ length: 2 * WIDTH }, () => 2),
    { dims: [2, WIDTH] },
  )
  const { y } = await bare(target, { x })
  t.deepEqual(
    y.data,
    Array.from({ length: 2 * WIDTH }, (_, i) => -(2 * scale[i % WIDTH] + 0.5)),
  )
})

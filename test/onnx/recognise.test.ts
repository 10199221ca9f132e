import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { toBinary } from '@bufbuild/protobuf'
import test from 'ava'
import { load } from 'onnsight'
import { ModelProtoSchema, TensorProto_DataType as OnnxType } from '#dist/runtime/onnx/schema/onnx_pb.js'
import { floats, graph, model, node, value } from '../model/hand-graph.ts'

const folder = mkdtempSync(join(tmpdir(), 'onnsight-recognise-'))

const written = (name: string, bytes: Uint8Array): string => {
  const path = join(folder, name)
  writeFileSync(path, bytes)
  return path
}

test('an ONNX file whose first bytes are those of a safetensors file is opened as what it is', async t => {
  const proto = model(
    graph({
      nodes: [node('Add', ['x', 'w'], ['y'])],
      inputs: [value('x', OnnxType.FLOAT, [1000])],
      outputs: ['y'],
      initializers: [floats('w', [1000], new Array(1000).fill(1))],
    }),
  )
  // The bytes of a producer's name of 8 characters look like a safetensors header: a length of 0x0812 bytes, and {".
  const name = Uint8Array.of(0x12, 8, 0, 0, 0, 0, 0, 0, 0x7b, 0x22)
  const path = written('name.onnx', new Uint8Array([...name, ...toBinary(ModelProtoSchema, proto)]))
  const { y } = await (await load(path)).run({ x: new Float32Array(1000) })
  t.is(y.data[0], 1)
})

for (const filling of ['', '   '])
  test(`a safetensors file is told as one, with its header filled up by ${filling.length} spaces`, async t => {
    const header = new TextEncoder().encode(`{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}${filling}`)
    const length = new Uint8Array(new BigUint64Array([BigInt(header.length)]).buffer)
    const path = written(`weights${filling.length}.onnx`, new Uint8Array([...length, ...header, 0, 0, 0, 0]))
    await t.throwsAsync(load(path), { code: 'not-onnx', message: /a safetensors file/ })
  })

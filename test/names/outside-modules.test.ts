import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fromBinary, toBinary } from '@bufbuild/protobuf'
import test from 'ava'
import { load } from 'onnsight'
import { ModelProtoSchema } from '#dist/runtime/onnx/schema/onnx_pb.js'

const OUTSIDE = '_empty_nn_module_stack_from_metadata_hook'

test('nodes that PyTorch 2.15 writes outside of all modules are no module of their own', async t => {
  const proto = fromBinary(ModelProtoSchema, readFileSync('test/fixtures/models/chars-scopes.onnx'))
  const shapes = proto.graph!.node.filter(({ opType }) => opType === 'Shape')
  t.true(shapes.length > 0)
  for (const { metadataProps } of shapes)
    for (const entry of metadataProps)
      if (entry.key === 'pkg.torch.onnx.name_scopes') entry.value = `['${OUTSIDE}', 'sym_size_int']`
  const path = join(mkdtempSync(join(tmpdir(), 'onnsight-outside-')), 'chars.onnx')
  writeFileSync(path, toBinary(ModelProtoSchema, proto))
  const model = await load(path)
  t.deepEqual(Object.keys(model), ['transformer', 'lm_head'])
  t.false(String(model).includes(OUTSIDE))
  const { logits } = await model.run({ input_ids: [[18, 47]] })
  const whole = await load('test/fixtures/models/chars-scopes.onnx')
  t.deepEqual(logits.tolist(), (await whole.run({ input_ids: [[18, 47]] })).logits.tolist())
  for (const one of [model, whole]) await one.release()
})

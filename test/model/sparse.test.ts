import { create } from '@bufbuild/protobuf'
import test from 'ava'
import { load } from 'onnsight'
import * as ort from 'onnxruntime-node'
import {
  AttributeProto_AttributeType as AttributeType,
  type NodeProto,
  NodeProtoSchema,
  type SparseTensorProto,
  SparseTensorProtoSchema,
} from '#dist/runtime/onnx/schema/onnx_pb.js'
import { floats, graph, ints, model, node, OnnxType, saved, value } from './hand-graph.ts'

const DENSE = [0, 2, 0, 0, 0, -3, 5, 0, 0, 0, 0, 0.5]
const PLACES = [1, 5, 6, 11]

/** The dense tensor above, [4, 3], as a sparse one. Its places are flat indices, or a row and a column each. */
function sparse(name: string, byCoordinates: boolean): SparseTensorProto {
  const indices = byCoordinates
    ? ints(
        '',
        [4, 2],
        PLACES.flatMap(place => [Math.floor(place / 3), place % 3]),
      )
    : ints('', [4], PLACES)
  const values = floats(
    name,
    [4],
    PLACES.map(place => DENSE[place]),
  )
  return create(SparseTensorProtoSchema, { values, indices, dims: [4n, 3n] })
}

function sparseConstant(output: string): NodeProto {
  const attribute = [{ name: 'sparse_value', type: AttributeType.SPARSE_TENSOR, sparseTensor: sparse('', false) }]
  return create(NodeProtoSchema, { opType: 'Constant', name: 'made', output: [output], attribute })
}

const x = [
  [1, -2, 3, 4],
  [-1, 0.5, 2, -6],
]
const numbers = (data: ArrayLike<unknown>): number[] => Array.from(data as ArrayLike<number>, number => number + 0)

for (const kind of ['counted places', 'coordinates', 'a constant'] as const) {
  test(`sparse weights as ${kind}: run, read and written`, async t => {
    const main = graph({
      nodes: [
        ...(kind === 'a constant' ? [sparseConstant('w')] : []),
        node('MatMul', ['x', 'w'], ['product'], {}, '/lin/MatMul'),
        node('Relu', ['product'], ['y'], {}, '/act/Relu'),
      ],
      inputs: [value('x', OnnxType.FLOAT, ['n', 4])],
      outputs: [value('y', OnnxType.FLOAT, ['n', 3])],
    })
    if (kind !== 'a constant') main.sparseInitializer.push(sparse('w', kind === 'coordinates'))
    const path = saved(model(main))
    const session = await ort.InferenceSession.create(path)
    const { y } = await session.run({ x: new ort.Tensor('float32', Float32Array.from(x.flat()), [2, 4]) })
    await session.release()
    const times = (weights: readonly number[]): number[] =>
      x.flatMap(row =>
        [0, 1, 2].map(column =>
          Math.max(
            0,
            row.reduce((sum, cell, i) => sum + cell * weights[3 * i + column], 0),
          ),
        ),
      )
    t.deepEqual(numbers(y.data), numbers(times(DENSE)))

    for (const blocks of [1, 2]) {
      const opened = await load(path, { blocks })
      t.deepEqual((await opened.run({ x })).y.data, y.data)
      const seen = await opened.trace({ x }, m => ({ w: m.tensor('w'), y: m.act.output }))
      t.deepEqual(seen.w.dims, [4, 3])
      t.deepEqual(numbers(seen.w.data), DENSE)
      t.deepEqual(seen.y.data, y.data)
      const edited = await opened.trace({ x }, m => {
        m.tensor('w').set('...', m.tensor('w').add(1))
        return m.act.output
      })
      t.deepEqual(numbers(edited.data), numbers(times(DENSE.map(weight => weight + 1))))
      t.notDeepEqual(edited.data, y.data)
      await opened.release()
    }
  })
}

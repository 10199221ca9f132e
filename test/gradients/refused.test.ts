import test from 'ava'
import { grad, load } from 'onnsight'
import type { NodeProto } from '#dist/runtime/onnx/schema/onnx_pb.js'
import { floats, graph, ints, model, node, OnnxType, saved, value } from '../model/hand-graph.ts'

const body = (nodes: readonly NodeProto[], inputs: [string, OnnxType, (number | string)[]][], outputs: string[]) =>
  graph({ nodes, inputs: inputs.map(([name, type, dims]) => value(name, type, dims)), outputs }, 'body')

/** Nodes from x [3, 1, 2] to y, by the name of the operator that the refusal must give. */
const refused: Readonly<Record<string, readonly NodeProto[]>> = {
  Hardmax: [node('Hardmax', ['x'], ['y'])],
  ArgMax: [node('ArgMax', ['x'], ['i']), node('Cast', ['i'], ['y'], { to: 1 })],
  LSTM: [node('LSTM', ['x', 'w4', 'r4'], ['y'], { hidden_size: 2, input_forget: 1 }, 'cell')],
  GRU: [node('GRU', ['x', 'w3', 'r3'], ['y'], { hidden_size: 2 }, 'cell')],
  Scan: [
    node('Scan', ['start', 'x'], ['last', 'y'], {
      num_scan_inputs: 1,
      body: body(
        [node('Add', ['before', 'row'], ['after']), node('Identity', ['after'], ['given'])],
        [
          ['before', OnnxType.FLOAT, [1, 2]],
          ['row', OnnxType.FLOAT, [1, 2]],
        ],
        ['after', 'given'],
      ),
    }),
  ],
  Loop: [
    node('Loop', ['times', '', 'x'], ['y'], {
      body: body(
        [node('Identity', ['going'], ['goes']), node('Mul', ['before', 'before'], ['after'])],
        [
          ['turn', OnnxType.INT64, []],
          ['going', OnnxType.BOOL, []],
          ['before', OnnxType.FLOAT, [3, 1, 2]],
        ],
        ['goes', 'after'],
      ),
    }),
  ],
  If: [
    node('MatMul', ['x', 'square'], ['product']),
    node('ReduceMax', ['product'], ['most'], { keepdims: 0 }),
    node('Greater', ['most', 'zero'], ['isPositive']),
    node('If', ['isPositive'], ['y'], {
      then_branch: body([node('Exp', ['x'], ['a'])], [], ['a']),
      else_branch: body([node('Neg', ['x'], ['b'])], [], ['b']),
    }),
  ],
}

for (const [opType, nodes] of Object.entries(refused))
  test(`no gradient passes ${opType}: the error names it and the line`, async t => {
    const path = saved(
      model(
        graph({
          nodes,
          inputs: [value('x', OnnxType.FLOAT, [3, 1, 2])],
          outputs: ['y'],
          initializers: [
            ...[3, 4].flatMap(gates =>
              ['w', 'r'].map(name =>
                floats(`${name}${gates}`, [1, 2 * gates, 2], new Array<number>(4 * gates).fill(0.1)),
              ),
            ),
            floats('start', [1, 2], [0, 0]),
            floats('zero', [], [0]),
            floats('square', [2, 2], [1, 2, 3, 4]),
            ints('times', [], [2]),
          ],
        }),
      ),
    )
    const opened = await load(path)
    t.teardown(() => opened.release())
    const x = [[[1, 2]], [[3, 4]], [[5, 6]]]
    const error = await t.throwsAsync(
      opened.trace({ x }, m => grad(m.tensor('y').sum(), m.tensor('x'))),
      { code: 'not-differentiable', message: new RegExp(`No gradient passes ${opType}\\b`) },
    )
    t.regex(error.message, /refused\.test\.ts:\d+/)
    const reasons: Readonly<Record<string, RegExp>> = { If: /condition/, LSTM: /forget gate/, GRU: /reset gate before/ }
    t.regex(error.message, reasons[opType] ?? /./)
  })

test('an If that the inputs decide: the gradient is that of the branch that runs', async t => {
  const branch = (opType: string) => body([node(opType, ['h'], [`own ${opType}`])], [], [`own ${opType}`])
  const path = saved(
    model(
      graph({
        nodes: [
          node('Mul', ['x', 'x'], ['h']),
          node('ReduceMax', ['x'], ['most'], { keepdims: 0 }),
          node('Greater', ['most', 'zero'], ['isPositive']),
          node('If', ['isPositive'], ['y'], { then_branch: branch('Neg'), else_branch: branch('Sqrt') }),
        ],
        inputs: [value('x', OnnxType.FLOAT, ['rows'])],
        outputs: ['y'],
        initializers: [floats('zero', [], [0])],
      }),
    ),
  )
  const opened = await load(path)
  t.teardown(() => opened.release())
  const at = async (x: number[]) =>
    (await opened.trace({ x }, m => grad(m.tensor('y').sum(), m.tensor('x')))).tolist() as number[]
  t.deepEqual(await at([1, 2, -3]), [-2, -4, 6])
  t.deepEqual(await at([-1, -2, -4]), [-1, -1, -1])
  t.deepEqual(await at([5]), [-10])
})

import test from 'ava'
import { type Attributes, Constant, type Dims, Operation, TapRead, Value } from '#dist/runtime/graph/expression.js'
import { lower } from '#dist/runtime/graph/lower.js'
import { useEvaluator } from '#dist/runtime/graph/recorder.js'
import type { DataType } from '#dist/runtime/tensor/dtypes/dtype.js'
import { evaluateAt, together } from './lowered.ts'
import { casesByMethod, replay, show } from './replay.ts'

const opsets: [opset: number, without: string][] = [
  [11, 'CumSum Einsum GreaterOrEqual LayerNormalization LessOrEqual LogSoftmax Max Min Pow Shape Softmax'],
  [12, 'CumSum LayerNormalization LogSoftmax Shape Softmax'],
  [13, 'CumSum LayerNormalization Shape'],
  [14, 'LayerNormalization Shape'],
  [16, 'LayerNormalization'],
  [17, ''],
  [18, ''],
  [20, ''],
]
for (const [opset, without] of opsets) {
  // These tests run one after the other, because they share the evaluator.
  test.serial(`operations written in opset ${opset} give the same`, async t => {
    useEvaluator(together(values => evaluateAt(opset, values)))
    const missing = new Set<string>()
    const failures: string[] = []
    for (const cases of casesByMethod('ops').values()) {
      const problems = await Promise.all(cases.map(replay))
      for (const [i, problem] of problems.entries()) {
        const notLowered = problem && /^NotLowered: (\w+)$/.exec(problem)
        if (notLowered) missing.add(notLowered[1])
        else if (problem) failures.push(`${show(cases[i])} ${problem}`)
      }
    }
    t.deepEqual(failures, [])
    t.is([...missing].sort().join(' '), without)
  })
}

function input(type: DataType = 'float32', dims: Dims | undefined = [2, 4]): Value {
  const tap = { key: 'x', label: 'x', tensor: 'x', direction: 'out', scope: '' } as const
  return new Value(new TapRead(tap, 0, { program: {} }, undefined), 0, type, dims)
}

function ints(...values: number[]): Value {
  const data = { type: 'int64', dims: [values.length], data: BigInt64Array.from(values, BigInt) } as const
  return new Value(new Constant(data), 0, 'int64', data.dims)
}

const operation = (
  opType: string,
  inputs: (Value | undefined)[],
  attributes: Attributes = {},
  outputs = 1,
): Operation => new Operation(opType, '', inputs, attributes, outputs, undefined)

test('axes are an input where the opset has it so, else an attribute', t => {
  const x = input()
  const axes = ints(0, 1)
  for (const [opType, since] of [
    ['ReduceSum', 13],
    ['ReduceMean', 18],
    ['ReduceMax', 18],
    ['Squeeze', 13],
    ['Unsqueeze', 13],
  ] as const) {
    const recorded = operation(opType, [x, axes], { keepdims: { int: 1 } })
    t.is(lower(recorded, since), recorded)
    const older = lower(recorded, since - 1)
    t.deepEqual(older?.inputs, [x])
    t.deepEqual(older?.attributes, { keepdims: { int: 1 }, axes: { ints: [0, 1] } })
    t.is(lower(operation(opType, [x, input('int64')]), since - 1), undefined, 'axes that are computed')
  }
})

test('sizes of a split are an input from opset 13', t => {
  const x = input()
  const recorded = operation('Split', [x, ints(1, 3)], { axis: { int: 1 } }, 2)
  t.is(lower(recorded, 13), recorded)
  t.deepEqual(lower(recorded, 11)?.attributes, { axis: { int: 1 }, split: { ints: [1, 3] } })
  t.is(lower(operation('Split', [x], { num_outputs: { int: 2 } }, 2), 17), undefined)
})

test('what an opset has no form for is undefined', t => {
  const x = input()
  const rows: [Operation, number][] = [
    [operation('Trilu', [x]), 14],
    [operation('Gelu', [x]), 20],
    [operation('LayerNormalization', [x, x]), 17],
    [operation('Einsum', [x], { equation: { string: 'ij->ji' } }), 12],
    [operation('ScatterND', [x, x, x], { reduction: { string: 'add' } }), 16],
    [operation('ScatterElements', [x, x, x], { reduction: { string: 'max' } }), 18],
    [operation('Pad', [x, ints(0, 0, 1, 1)], { mode: { string: 'wrap' } }), 19],
    [operation('Max', [input('int64'), input('int64')]), 12],
    [operation('Add', [input('int8'), input('int8')]), 14],
    [operation('Add', [input('bfloat16'), input('bfloat16')]), 13],
    [operation('Cast', [x], { to: { int: 16 } }), 13],
    [operation('Softmax', [x], { axis: { int: 0 } }), 13],
    [operation('Reshape', [x, ints(0)], { allowzero: { int: 1 } }), 14],
    [operation('NoSuchOperation', [x]), 21],
  ]
  for (const [recorded, since] of rows) {
    t.truthy(lower(recorded, since), `${recorded.opType} ${since}`)
    t.is(lower(recorded, since - 1), undefined, `${recorded.opType} ${since - 1}`)
  }
})

test('softmax over the last axis is the same in every opset', t => {
  const recorded = operation('Softmax', [input()], { axis: { int: -1 } })
  t.is(lower(recorded, 11), recorded)
})

test('attributes that came later are left out where they change nothing', t => {
  const x = input()
  t.deepEqual(lower(operation('Cast', [x], { to: { int: 10 }, saturate: { int: 1 } }), 18)?.attributes, {
    to: { int: 10 },
  })
  t.deepEqual(lower(operation('ScatterND', [x, x, x], { reduction: { string: 'none' } }), 11)?.attributes, {})
  t.deepEqual(lower(operation('Reshape', [x, ints(8)], { allowzero: { int: 0 } }), 13)?.attributes, {})
})

test('operations of other domains are the same in every opset', t => {
  const operation = new Operation('Gelu', 'com.microsoft', [input()], {}, 1, undefined)
  t.is(lower(operation, 17), operation)
})

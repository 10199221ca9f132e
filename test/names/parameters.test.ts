import { create } from '@bufbuild/protobuf'
import test from 'ava'
import fc from 'fast-check'
import { load, type Model } from 'onnsight'
import { Tensor } from 'onnxruntime-node'
import {
  type ModelProto,
  type NodeProto,
  TensorProto_DataType as OnnxType,
  type TensorProto,
  ValueInfoProtoSchema,
} from '#dist/runtime/onnx/schema/onnx_pb.js'
import { isExactInt8 } from '../exact-int8.ts'
import { graph, model, saved, value } from '../model/hand-graph.ts'
import { float32, node, Random, run, size, stored } from './stored.ts'

/** A model of one layer with a quantised weight. */
interface Layer {
  readonly nodes: readonly NodeProto[]
  readonly initializers: readonly TensorProto[]
  readonly opset: number
  /** Nodes that compute the matrix from the same initializers, in onnxruntime. `.weights` must give the same. */
  readonly matrix: readonly NodeProto[]
  readonly more?: readonly TensorProto[]
  readonly input: { readonly type: OnnxType; readonly dims: readonly (number | string)[]; readonly example: Tensor }
  /** The dims of `.weights.weight`. */
  readonly dims: readonly number[]
  /** Whether another matrix can be written. */
  readonly isWritable: boolean
}

function modelOf({ nodes, initializers, opset, input }: Layer): ModelProto {
  const main = graph({
    nodes,
    inputs: [value('x', input.type, input.dims)],
    outputs: [create(ValueInfoProtoSchema, { name: 'y' })],
    initializers,
  })
  return withMicrosoft(model(main, opset))
}

const withMicrosoft = (proto: ModelProto): ModelProto => ({
  ...proto,
  irVersion: 10n,
  opsetImport: [...proto.opsetImport, { ...proto.opsetImport[0], domain: 'com.microsoft', version: 1n }],
})

/** The matrix, computed by onnxruntime's own kernels. */
async function matrixOf({ matrix, initializers, more = [] }: Layer): Promise<Tensor> {
  const main = graph({ nodes: matrix, outputs: ['matrix'], initializers: [...initializers, ...more] })
  return (await run(withMicrosoft(model(main, 21)), {})).matrix
}

const few = (min: number, max: number) => fc.integer({ min, max })
const seed = few(0, 9999)
const ms = 'com.microsoft'
const identity = (n: number): Float32Array =>
  Float32Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? 1 : 0))

const floatInput = (width: number, random: Random): Layer['input'] => ({
  type: OnnxType.FLOAT,
  dims: ['rows', width],
  example: float32([3, width], random.floats(3 * width)),
})

const ids = (count: number): Layer['input'] => ({
  type: OnnxType.INT64,
  dims: ['rows'],
  example: new Tensor(
    'int64',
    BigInt64Array.from({ length: 3 }, (_, i) => BigInt((i * 7) % count)),
    [3],
  ),
})

const part = (m: Model) => m.module('layer')

/** Declares a test that compares `.weights` with onnxruntime, for each case of the arbitrary. */
function law<S>(name: string, shapes: fc.Arbitrary<S>, layerOf: (shape: S) => Layer): void {
  test(`${name}: .weights.weight is the matrix that onnxruntime’s kernel acts with, whatever its attributes`, async t => {
    await fc.assert(
      fc.asyncProperty(shapes, async shape => {
        const layer = layerOf(shape)
        const model = await load(saved(modelOf(layer)))
        try {
          await same(model, layer)
          if (layer.isWritable) await written(model, layer)
          else await t.throwsAsync(written(model, layer), { code: 'unwritable-parameter' })
        } catch (error) {
          t.log(String(error), JSON.stringify(shape))
          throw error
        } finally {
          await model.release()
        }
      }),
      { numRuns: 20 },
    )
    t.pass()
  })
}

async function same(model: Model, layer: Layer): Promise<void> {
  const got = await model.trace({ x: layer.input.example }, m => part(m).weights.weight)
  const expected = await matrixOf(layer)
  if (String(got.dims) !== String(layer.dims)) throw new Error(`dims ${got.dims}`)
  if (String(expected.dims) !== String(layer.dims)) throw new Error(`expected ${expected.dims}`)
  const data = expected.data as Float32Array
  const off = (got.data as Float32Array).findIndex(
    (n, i) => Math.abs(n - data[i]) > 1e-5 * Math.max(1, Math.abs(data[i])),
  )
  if (off >= 0) throw new Error(`element ${off} is ${got.data[off]}, expected ${data[off]}`)
}

/** Checks that the layer's result is halved, except its bias, if half of the matrix is written in its place. */
async function written(model: Model, layer: Layer): Promise<void> {
  const x = { x: layer.input.example }
  const { half, none, whole } = await model
    .trace(x, m => ({ whole: m.tensor('y') }))
    .then(async ({ whole }) => ({
      whole,
      half: await model.trace(x, m => {
        part(m).weights.weight = part(m).weights.weight.mul(0.5)
        return m.tensor('y')
      }),
      none: await model.trace(x, m => {
        part(m).weights.weight.set('...', 0)
        return m.tensor('y')
      }),
    }))
  // Kernels may round activations: the error is a share of the terms of a sum, which may cancel each other.
  const terms = await model.trace({ x: absolute(layer.input.example) }, m => {
    part(m).weights.weight = part(m).weights.weight.abs()
    return m.tensor('y')
  })
  const [a, b, c] = [whole, half, none].map(({ data }) => data as Float32Array)
  const most = [...a, ...(terms.data as Float32Array)].reduce((max, n) => Math.max(max, Math.abs(n)), 1e-3)
  a.forEach((n, i) => {
    const due = (n + c[i]) / 2
    if (Math.abs(b[i] - due) > 0.01 * most) throw new Error(`half is ${b[i]}, expected ${due}`)
  })
}

const absolute = (tensor: Tensor): Tensor =>
  tensor.data instanceof Float32Array ? new Tensor('float32', tensor.data.map(Math.abs), tensor.dims) : tensor

/** A product of integers. Its activation is quantised before it, and its result is converted to floats after it. */
function quantisedOperator(
  s: { n: number; k: number; perColumn: boolean; isTurned?: boolean; seed: number },
  opType: string,
): Layer {
  const random = new Random(s.seed)
  const dims = s.perColumn ? [s.n] : []
  const weightDims = s.isTurned ? [s.n, s.k] : [s.k, s.n]
  const given = ['layer.weight_quantized', 'layer.weight_scale', 'layer.weight_zero_point']
  const result = ['y_scale', 'y_zero']
  const product =
    opType === 'QGemm'
      ? node('QGemm', ['x_quantized', 'x_scale', 'x_zero', ...given, '', ...result], ['y_quantized'], {
          name: '/layer/Gemm',
          domain: ms,
          attributes: { transB: s.isTurned ? 1 : 0 },
        })
      : node('QLinearMatMul', ['x_quantized', 'x_scale', 'x_zero', ...given, ...result], ['y_quantized'], {
          name: '/layer/MatMul',
        })
  return {
    nodes: [
      node('QuantizeLinear', ['x', 'x_scale', 'x_zero'], ['x_quantized'], { name: '/layer/quantize' }),
      product,
      node('DequantizeLinear', ['y_quantized', ...result], ['y'], { name: '/layer/dequantize' }),
    ],
    initializers: [
      stored('layer.weight_quantized', weightDims, random.signed(s.n * s.k)),
      stored('layer.weight_scale', dims, random.scales(size(dims))),
      stored('layer.weight_zero_point', dims, new Int8Array(size(dims))),
      stored('x_scale', [], Float32Array.of(0.01)),
      stored('x_zero', [], Uint8Array.of(128)),
      stored('y_scale', [], Float32Array.of(0.3)),
      stored('y_zero', [], Uint8Array.of(120)),
    ],
    opset: 17,
    matrix: [node('DequantizeLinear', given, ['matrix'], { attributes: { axis: s.isTurned ? 0 : 1 } })],
    input: floatInput(s.k, random),
    dims: weightDims,
    isWritable: false,
  }
}

law(
  'MatMulNBits',
  fc.record({
    n: few(1, 20),
    k: few(1, 70),
    block: fc.constantFrom(16, 32),
    bits: fc.constantFrom(2, 4, 8),
    zero: fc.constantFrom('none', 'packed', 'float'),
    hasBias: fc.boolean(),
    order: fc.boolean(),
    isFlat: fc.boolean(),
    seed,
  }),
  s => {
    const random = new Random(s.seed)
    const blocks = Math.ceil(s.k / s.block)
    // The CPU's kernel only has these forms for 4 bits.
    const zero = s.bits === 4 || s.zero === 'none' ? s.zero : 'packed'
    const hasOrder = s.order && s.bits === 4 && zero === 'none'
    const zeroBytes = Math.ceil((blocks * s.bits) / 8)
    const attributes = { K: s.k, N: s.n, bits: s.bits, block_size: s.block, accuracy_level: 0 }
    const initializers = [
      stored(
        'layer.weight_quantized',
        [s.n, blocks, (s.block * s.bits) / 8],
        random.bytes((s.n * blocks * s.block * s.bits) / 8),
      ),
      stored('layer.weight_scales', s.isFlat ? [s.n * blocks] : [s.n, blocks], random.scales(s.n * blocks)),
      ...(zero === 'packed'
        ? [
            stored(
              'layer.weight_zero_point',
              s.isFlat ? [s.n * zeroBytes] : [s.n, zeroBytes],
              random.bytes(s.n * zeroBytes),
            ),
          ]
        : []),
      ...(zero === 'float' ? [stored('layer.weight_zero_point', [s.n, blocks], random.floats(s.n * blocks, 9))] : []),
      ...(hasOrder
        ? [
            stored(
              'layer.g_idx',
              [blocks * s.block],
              Int32Array.from({ length: blocks * s.block }, (_, i) => (i * 5) % blocks),
            ),
          ]
        : []),
      ...(s.hasBias ? [stored('layer.bias', [s.n], random.floats(s.n))] : []),
    ]
    const given = [
      'layer.weight_quantized',
      'layer.weight_scales',
      zero === 'none' ? '' : 'layer.weight_zero_point',
      hasOrder ? 'layer.g_idx' : '',
    ]
    return {
      nodes: [
        node('MatMulNBits', ['x', ...given, s.hasBias ? 'layer.bias' : ''], ['y'], {
          name: '/layer/MatMul',
          domain: ms,
          attributes,
        }),
      ],
      initializers,
      opset: 14,
      matrix: [
        node('MatMulNBits', ['identity', ...given], ['turned'], { domain: ms, attributes }),
        node('Transpose', ['turned'], ['matrix'], { attributes: { perm: [1, 0] } }),
      ],
      more: [stored('identity', [s.k, s.k], identity(s.k))],
      input: floatInput(s.k, random),
      dims: [s.n, s.k],
      isWritable: true,
    }
  },
)

law(
  'GatherBlockQuantized',
  fc.record({
    rows: few(1, 9),
    width: few(1, 20),
    block: fc.constantFrom(16, 32),
    kind: fc.constantFrom('bytes4', 'bytes8', 'int4', 'uint4'),
    hasZero: fc.boolean(),
    seed,
  }),
  s => {
    const random = new Random(s.seed)
    const bits = s.kind === 'bytes8' ? 8 : 4
    const isBytes = s.kind.startsWith('bytes')
    const width = 2 * s.width
    const blocks = Math.ceil(width / s.block)
    const type = { bytes4: OnnxType.UINT8, bytes8: OnnxType.UINT8, int4: OnnxType.INT4, uint4: OnnxType.UINT4 }[s.kind]!
    const attributes = { gather_axis: 0, quantize_axis: 1, block_size: s.block, ...(isBytes ? { bits } : {}) }
    const zeroDims = isBytes ? [s.rows, Math.ceil((blocks * bits) / 8)] : [s.rows, blocks]
    const zeroBytes = isBytes ? size(zeroDims) : Math.ceil(size(zeroDims) / 2)
    const given = ['layer.weight_scales', s.hasZero ? 'layer.weight_zero_point' : '']
    return {
      nodes: [
        node('GatherBlockQuantized', ['layer.weight_quantized', 'x', ...given], ['y'], {
          name: '/layer/Gather',
          domain: ms,
          attributes,
        }),
      ],
      initializers: [
        stored(
          'layer.weight_quantized',
          [s.rows, isBytes ? (width * bits) / 8 : width],
          random.bytes((s.rows * width * bits) / 8),
          type,
        ),
        stored('layer.weight_scales', [s.rows, blocks], random.scales(s.rows * blocks)),
        ...(s.hasZero ? [stored('layer.weight_zero_point', zeroDims, random.bytes(zeroBytes), type)] : []),
      ],
      opset: 21,
      matrix: [
        node('GatherBlockQuantized', ['layer.weight_quantized', 'all', ...given], ['matrix'], {
          domain: ms,
          attributes,
        }),
      ],
      more: [
        stored(
          'all',
          [s.rows],
          BigInt64Array.from({ length: s.rows }, (_, i) => BigInt(i)),
        ),
      ],
      input: ids(s.rows),
      dims: [s.rows, width],
      isWritable: true,
    }
  },
)

law(
  'DynamicQuantizeLinear and MatMulInteger',
  fc.record({
    n: few(1, 9),
    k: few(1, 9),
    isSigned: fc.boolean(),
    perColumn: fc.boolean(),
    chain: fc.constantFrom('together', 'in turn'),
    seed,
  }),
  s => {
    const random = new Random(s.seed)
    const count = s.perColumn ? s.n : 1
    const dims = s.perColumn ? [s.n] : []
    // Where products of 8 bits overflow, half as large numbers do not.
    const signed = (length: number) => random.signed(length).map(number => (isExactInt8 ? number : number >> 1))
    const bytes = (length: number) => (s.isSigned ? signed(length) : random.bytes(length))
    const scales =
      s.chain === 'together'
        ? [
            node('Mul', ['x_scale', 'layer.weight_scale'], ['scales'], { name: '/layer/MatMul_scales' }),
            node('Mul', ['floats', 'scales'], ['y'], { name: '/layer/MatMul_output' }),
          ]
        : [
            node('Mul', ['floats', 'x_scale'], ['half'], { name: '/layer/MatMul_half' }),
            node('Mul', ['half', 'layer.weight_scale'], ['y'], { name: '/layer/MatMul_output' }),
          ]
    return {
      nodes: [
        node('DynamicQuantizeLinear', ['x'], ['x_quantized', 'x_scale', 'x_zero'], {
          name: '/layer/MatMul_quantizer',
        }),
        node(
          'MatMulInteger',
          ['x_quantized', 'layer.weight_quantized', 'x_zero', 'layer.weight_zero_point'],
          ['integers'],
          { name: '/layer/MatMul_quant' },
        ),
        node('Cast', ['integers'], ['floats'], { name: '/layer/MatMul_cast', attributes: { to: OnnxType.FLOAT } }),
        ...scales,
      ],
      initializers: [
        stored('layer.weight_quantized', [s.k, s.n], bytes(s.k * s.n)),
        stored('layer.weight_scale', dims, random.scales(count)),
        stored('layer.weight_zero_point', dims, bytes(count)),
      ],
      opset: 13,
      matrix: [
        node(
          'DequantizeLinear',
          ['layer.weight_quantized', 'layer.weight_scale', 'layer.weight_zero_point'],
          ['matrix'],
          { attributes: { axis: 1 } },
        ),
      ],
      input: floatInput(s.k, random),
      dims: [s.k, s.n],
      isWritable: true,
    }
  },
)

law(
  'DequantizeLinear before a product',
  fc.record({
    n: few(1, 9),
    k: few(1, 9),
    per: fc.constantFrom('tensor', 'column', 'row', 'block'),
    type: fc.constantFrom(OnnxType.INT8, OnnxType.UINT8, OnnxType.INT4),
    hasZero: fc.boolean(),
    seed,
  }),
  s => {
    const random = new Random(s.seed)
    const k = 2 * s.k
    const dims = { tensor: [], column: [s.n], row: [k], block: [s.k, s.n] }[s.per]!
    const attributes = { axis: s.per === 'column' ? 1 : 0, ...(s.per === 'block' ? { block_size: 2 } : {}) }
    const bytes = (count: number) => random.bytes(s.type === OnnxType.INT4 ? Math.ceil(count / 2) : count)
    const given = ['layer.weight_quantized', 'layer.weight_scale', ...(s.hasZero ? ['layer.weight_zero_point'] : [])]
    return {
      nodes: [
        node('DequantizeLinear', given, ['layer.weight_floats'], { name: '/layer/MatMul_dequant', attributes }),
        node('MatMul', ['x', 'layer.weight_floats'], ['y'], { name: '/layer/MatMul' }),
      ],
      initializers: [
        stored('layer.weight_quantized', [k, s.n], bytes(k * s.n), s.type),
        stored('layer.weight_scale', dims, random.scales(size(dims))),
        ...(s.hasZero ? [stored('layer.weight_zero_point', dims, bytes(size(dims)), s.type)] : []),
      ],
      opset: 21,
      matrix: [node('DequantizeLinear', given, ['matrix'], { attributes })],
      input: floatInput(k, random),
      dims: [k, s.n],
      isWritable: true,
    }
  },
)

law('Gather of integers and DequantizeLinear', fc.record({ rows: few(1, 9), width: few(1, 9), seed }), s => {
  const random = new Random(s.seed)
  const parts = ['layer.weight_scale', 'layer.weight_zero_point']
  return {
    nodes: [
      node('Gather', ['layer.weight_quantized', 'x'], ['rows'], { name: '/layer/Gather' }),
      node('DequantizeLinear', ['rows', ...parts], ['y'], { name: '/layer/Gather_dequant' }),
    ],
    initializers: [
      stored('layer.weight_quantized', [s.rows, s.width], random.bytes(s.rows * s.width)),
      stored('layer.weight_scale', [], random.scales(1)),
      stored('layer.weight_zero_point', [], random.bytes(1)),
    ],
    opset: 17,
    matrix: [node('DequantizeLinear', ['layer.weight_quantized', ...parts], ['matrix'])],
    input: ids(s.rows),
    dims: [s.rows, s.width],
    isWritable: true,
  }
})

law('QLinearMatMul', fc.record({ n: few(1, 9), k: few(1, 9), perColumn: fc.boolean(), seed }), s =>
  quantisedOperator(s, 'QLinearMatMul'),
)

law('QGemm', fc.record({ n: few(1, 9), k: few(1, 9), perColumn: fc.boolean(), isTurned: fc.boolean(), seed }), s =>
  quantisedOperator(s, 'QGemm'),
)

law(
  'DynamicQuantizeMatMul',
  fc.record({ n: few(1, 9), k: few(1, 9), perColumn: fc.boolean(), hasBias: fc.boolean(), seed }),
  s => {
    const random = new Random(s.seed)
    const dims = s.perColumn ? [s.n] : []
    const given = ['layer.weight_quantized', 'layer.weight_scale', 'layer.weight_zero_point']
    return {
      nodes: [
        node('DynamicQuantizeMatMul', ['x', ...given, ...(s.hasBias ? ['layer.bias'] : [])], ['y'], {
          name: '/layer/MatMul',
          domain: ms,
        }),
      ],
      initializers: [
        stored('layer.weight_quantized', [s.k, s.n], random.bytes(s.k * s.n)),
        stored('layer.weight_scale', dims, random.scales(size(dims))),
        stored('layer.weight_zero_point', dims, random.bytes(size(dims))),
        ...(s.hasBias ? [stored('layer.bias', [s.n], random.floats(s.n))] : []),
      ],
      opset: 17,
      matrix: [node('DequantizeLinear', given, ['matrix'], { attributes: { axis: 1 } })],
      input: floatInput(s.k, random),
      dims: [s.k, s.n],
      isWritable: true,
    }
  },
)

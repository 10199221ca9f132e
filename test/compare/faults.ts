import { readFileSync, writeFileSync } from 'node:fs'
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import {
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  type TensorProto,
  TensorProtoSchema,
} from '#dist/runtime/onnx/schema/onnx_pb.js'

/** A fault, which makes a spoilt copy of a model. */
export interface Fault {
  readonly what: string
  /** The file of the model without the fault. */
  readonly model: string
  /** The file that gets the fault, if it is another build of the model. */
  readonly build?: string
  /** The module that causes the error; null if no module does. */
  readonly module: string | null
  readonly spoil: (model: Spoilt) => void
}

/** A model's message, which a fault changes. */
export class Spoilt {
  readonly proto: ModelProto

  constructor(path: string) {
    this.proto = fromBinary(ModelProtoSchema, Uint8Array.from(readFileSync(path)))
  }

  node(name: string): NodeProto {
    const found = this.proto.graph!.node.find(node => node.name === name)
    if (!found) throw new Error(`There is no node ${name}.`)
    return found
  }

  add(fields: {
    readonly name: string
    readonly opType: string
    readonly input: string[]
    readonly output: string[]
  }): void {
    this.proto.graph!.node.push(create(NodeProtoSchema, fields))
  }

  /** Adds an initializer of one whole number. */
  integer(name: string, value: number): void {
    const rawData = new Uint8Array(BigInt64Array.of(BigInt(value)).buffer)
    this.proto.graph!.initializer.push(create(TensorProtoSchema, { name, dims: [1n], dataType: 7, rawData }))
  }

  /** A tensor of the graph: an initializer, or the value of a Constant node. */
  tensor(name: string): TensorProto {
    const { initializer, node } = this.proto.graph!
    const constant = node.find(({ opType, output }) => opType === 'Constant' && output[0] === name)?.attribute[0].t
    const found = initializer.find(tensor => tensor.name === name) ?? constant
    if (!found) throw new Error(`There is no tensor ${name}.`)
    return found
  }

  /** Changes the floats of a tensor. The function gets them and the dims. */
  floats(name: string, change: (values: Float32Array, dims: readonly number[]) => ArrayLike<number>): void {
    const tensor = this.tensor(name)
    const values = new Float32Array(tensor.rawData.slice().buffer)
    const changed = Float32Array.from(change(values.slice(), tensor.dims.map(Number)))
    if (changed.length !== values.length) throw new Error('The tensor would have other dims.')
    tensor.rawData = new Uint8Array(changed.buffer)
  }

  /** Changes the matrix that is the second input of a node. */
  matrix(node: string, change: (values: Float32Array, dims: readonly number[]) => ArrayLike<number>): void {
    this.floats(this.node(node).input[1], change)
  }

  save(path: string): void {
    writeFileSync(path, toBinary(ModelProtoSchema, this.proto))
  }
}

/** A model without any name of its exporter, as some optimisers and converters leave it. */
export function nameless(path: string): Spoilt {
  const model = new Spoilt(path)
  const graph = model.proto.graph!
  const kept = new Set([...graph.input, ...graph.output].map(({ name }) => name))
  const names = new Map<string, string>()
  const renamed = (name: string): string => {
    if (name === '' || kept.has(name)) return name
    if (!names.has(name)) names.set(name, `v${names.size}`)
    return names.get(name)!
  }
  for (const node of graph.node) {
    node.name = ''
    node.input = node.input.map(renamed)
    node.output = node.output.map(renamed)
  }
  for (const tensor of graph.initializer) tensor.name = renamed(tensor.name)
  graph.valueInfo = []
  return model
}

/** The model with random numbers in its matrices. */
export function randomised(path: string): Spoilt {
  const model = new Spoilt(path)
  let state = 1
  const next = (): number => {
    state = (state * 16807) % 2147483647
    return state / 2147483647 - 0.5
  }
  for (const { name, dims } of model.proto.graph!.initializer)
    if (dims.length === 2 && name.endsWith('.weight')) model.floats(name, values => values.map(next))
  return model
}

const largest = (values: Float32Array): number => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0)

/** Rounds values to this number of bits, with one scale for all. */
export const coarse =
  (bits: number) =>
  (values: Float32Array): Float32Array => {
    const step = largest(values) / (2 ** (bits - 1) - 1)
    return values.map(value => Math.round(value / step) * step)
  }

export const scaled =
  (factor: number) =>
  (values: Float32Array): Float32Array =>
    values.map(value => value * factor)

export const clipped =
  (share: number) =>
  (values: Float32Array): Float32Array => {
    const most = largest(values) * share
    return values.map(value => Math.max(-most, Math.min(most, value)))
  }

/** Moves each row up by one, and the first row to the end. */
export const rolled = (values: Float32Array, [rows]: readonly number[]): Float32Array => {
  const width = values.length / rows
  return values.map((_, i) => values[(i + width) % values.length])
}

const transposed = (values: Float32Array, [rows, columns]: readonly number[]): Float32Array =>
  values.map((_, i) => values[(i % rows) * columns + Math.floor(i / rows)])

const VERSE = 'test/fixtures/models/verse/onnx/model.onnx'
const VERSE_INT8 = 'test/fixtures/models/verse/onnx/model_int8.onnx'
const CHARS = 'test/fixtures/models/chars.onnx'
const RESNET = 'test/fixtures/names/resnet.onnx'
const BERT = 'test/fixtures/batch/bert.onnx'

/** Faults of every kind, in a Llama, a GPT-2, a CNN and an encoder. */
export const faults: readonly Fault[] = [
  {
    what: 'a matrix of two bits, in a file of eight',
    model: VERSE,
    build: VERSE_INT8,
    module: 'model.layers.1.mlp.up_proj',
    spoil: model => {
      const tensor = model.tensor('onnx::MatMul_1169_quantized')
      tensor.rawData = Uint8Array.from(tensor.rawData, byte => (byte & 0xc0) | 0x20)
    },
  },
  {
    what: 'a wrong zero point',
    model: VERSE,
    build: VERSE_INT8,
    module: 'model.layers.2.self_attn.o_proj',
    spoil: model => {
      const tensor = model.tensor(model.node('/model/layers.2/self_attn/o_proj/MatMul_quant').input[3])
      tensor.rawData = Uint8Array.from(tensor.rawData, byte => byte + 40)
    },
  },
  {
    what: 'a wrong scale',
    model: VERSE,
    build: VERSE_INT8,
    module: 'model.layers.3.mlp.gate_proj',
    spoil: model => model.floats(model.node('/model/layers.3/mlp/gate_proj/MatMul_scales_mul').input[1], scaled(2)),
  },
  {
    what: 'a matrix of three bits',
    model: VERSE,
    module: 'model.layers.3.self_attn.v_proj',
    spoil: model => model.matrix('/model/layers.3/self_attn/v_proj/MatMul', coarse(3)),
  },
  {
    what: 'a scaled matrix',
    model: VERSE,
    module: 'model.layers.2.self_attn.k_proj',
    spoil: model => model.matrix('/model/layers.2/self_attn/k_proj/MatMul', scaled(1.5)),
  },
  {
    what: 'rows in another order',
    model: VERSE,
    module: 'model.layers.0.mlp.gate_proj',
    spoil: model => model.matrix('/model/layers.0/mlp/gate_proj/MatMul', rolled),
  },
  {
    what: 'a clipped matrix',
    model: VERSE,
    module: 'model.layers.3.mlp.down_proj',
    spoil: model => model.matrix('/model/layers.3/mlp/down_proj/MatMul', clipped(0.2)),
  },
  {
    what: 'a transposed matrix',
    model: VERSE,
    module: 'model.layers.1.self_attn.o_proj',
    spoil: model => model.matrix('/model/layers.1/self_attn/o_proj/MatMul', transposed),
  },
  {
    what: 'the matrix of another layer',
    model: VERSE,
    module: 'model.layers.2.self_attn.q_proj',
    spoil: model => {
      model.node('/model/layers.2/self_attn/q_proj/MatMul').input[1] = model.node(
        '/model/layers.1/self_attn/q_proj/MatMul',
      ).input[1]
    },
  },
  {
    what: 'a coarse head',
    model: VERSE,
    module: 'lm_head',
    spoil: model => model.matrix('/lm_head/MatMul', coarse(4)),
  },
  {
    what: 'a coarse embedding',
    model: VERSE,
    module: 'model.embed_tokens',
    spoil: model => model.floats('model.embed_tokens.weight', coarse(4)),
  },
  {
    what: 'a norm’s epsilon',
    model: VERSE,
    module: 'model.layers.2.input_layernorm',
    spoil: model => model.floats('/model/layers.2/input_layernorm/Constant_1_output_0', () => [1]),
  },
  {
    what: 'the rotary base of the model',
    model: VERSE,
    module: 'model',
    spoil: model => model.floats('/model/Constant_1_output_0', values => values.map((_, i) => 100 ** (-i / 16))),
  },
  {
    what: 'the rotary angles of one layer',
    model: VERSE,
    module: 'model.layers.1.self_attn',
    spoil: model => {
      model.node('/model/layers.1/self_attn/Mul_1').input[1] = '/model/Cos_output_0'
    },
  },
  {
    what: 'the mask of one layer',
    model: VERSE,
    module: 'model.layers.0.self_attn',
    spoil: model => {
      model.node('/model/layers.0/self_attn/Add_2').input[1] = '/model/Where_1_output_0'
    },
  },
  {
    what: 'the scale of one layer’s scores',
    model: VERSE,
    module: 'model.layers.2.self_attn',
    spoil: model => model.floats('/model/layers.2/self_attn/Constant_60_output_0', scaled(4)),
  },
  {
    what: 'a subtracted residual',
    model: VERSE,
    module: 'model.layers.2',
    spoil: model => {
      model.node('/model/layers.2/Add_1').opType = 'Sub'
    },
  },
  {
    what: 'another activation',
    model: VERSE,
    module: 'model.layers.0.mlp.act_fn',
    spoil: model => {
      model.node('/model/layers.0/mlp/act_fn/Sigmoid').opType = 'Tanh'
    },
  },
  {
    what: 'a weight that is NaN',
    model: VERSE,
    module: 'model.layers.1.mlp.down_proj',
    spoil: model => model.matrix('/model/layers.1/mlp/down_proj/MatMul', values => values.fill(Number.NaN, 5, 6)),
  },
  {
    what: 'scaled logits, which no module computes',
    model: VERSE,
    module: null,
    spoil: model => {
      model.node('/lm_head/MatMul').output[0] = 'unscaled'
      model.add({ name: '/Mul', opType: 'Mul', input: ['unscaled', 'unscaled_factor'], output: ['logits'] })
      const factor = model.tensor('/model/layers.2/self_attn/Constant_60_output_0')
      model.proto.graph!.initializer.push({ ...factor, name: 'unscaled_factor' })
    },
  },
  {
    what: 'a value between two layers that no module computes',
    model: VERSE,
    module: null,
    spoil: model => {
      model.node('/model/layers.1/Add_1').output[0] = 'before'
      const factor = model.tensor('/model/layers.2/self_attn/Constant_60_output_0')
      model.proto.graph!.initializer.push({ ...factor, name: 'factor' })
      model.add({
        name: '/Mul',
        opType: 'Mul',
        input: ['before', 'factor'],
        output: ['/model/layers.1/Add_1_output_0'],
      })
    },
  },
  {
    what: 'a dropped bias',
    model: CHARS,
    module: 'transformer.h.2.mlp.c_fc',
    spoil: model => model.floats('transformer.h.2.mlp.c_fc.bias', scaled(0)),
  },
  {
    what: 'positions that are off by one',
    model: CHARS,
    module: 'transformer.wpe',
    spoil: model => model.floats('transformer.wpe.weight', rolled),
  },
  {
    what: 'a norm without its weight',
    model: CHARS,
    module: 'transformer.ln_f',
    spoil: model => model.floats('transformer.ln_f.weight', values => values.fill(1)),
  },
  {
    what: 'a scaled kernel',
    model: RESNET,
    module: 'layer2.0.conv2',
    spoil: model => model.matrix('/layer2/layer2.0/conv2/Conv', scaled(1.4)),
  },
  {
    what: 'a coarse kernel',
    model: RESNET,
    module: 'layer1.0.conv1',
    spoil: model => model.matrix('/layer1/layer1.0/conv1/Conv', coarse(2)),
  },
  {
    what: 'a scaled value matrix of an encoder',
    model: BERT,
    module: 'encoder.layer.0.attention.self.value',
    spoil: model => model.matrix('/encoder/layer.0/attention/self/value/MatMul', scaled(1.5)),
  },
  {
    what: 'rows of an encoder’s matrix in another order',
    model: BERT,
    module: 'encoder.layer.1.intermediate.dense',
    spoil: model => model.matrix('/encoder/layer.1/intermediate/dense/MatMul', rolled),
  },
]

import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { create, type Message, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import test, { type ExecutionContext } from 'ava'
import { readModel } from '#dist/runtime/onnx/reading/read.js'
import {
  AttributeProtoSchema,
  FunctionProtoSchema,
  GraphProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  NodeProtoSchema,
  TensorProtoSchema,
  ValueInfoProtoSchema,
} from '#dist/runtime/onnx/schema/onnx_pb.js'
import { type SaveOptions, writeModel } from '#dist/runtime/onnx/writing/write.js'
import { decode, namesIn, temporaryFolder, withBytesInside } from './written.ts'

type Graph = Exclude<MessageInitShape<typeof GraphProtoSchema>, Message>
type Tensor = Exclude<MessageInitShape<typeof TensorProtoSchema>, Message>

/** So many numbers that they are cut from the message when it is read. */
const many = Array.from({ length: 600 }, (_, i) => i / 8 - 3)
const long = many.map(value => BigInt(Math.trunc(value * 8)))
const raw = new Uint8Array(Float32Array.from(many).buffer)
const note = [{ key: 'who', value: 'wrote it' }]

function model(graph: Graph, rest: Exclude<MessageInitShape<typeof ModelProtoSchema>, Message> = {}): ModelProto {
  return create(ModelProtoSchema, {
    irVersion: 10n,
    opsetImport: [{ version: 21n }, { domain: 'local', version: 1n }],
    graph: { name: 'by hand', ...graph },
    ...rest,
  })
}

function external(offset?: number, length?: number, location = 'weights.data'): Tensor {
  const entries: [string, string][] = [['location', location]]
  if (offset !== undefined) entries.push(['offset', String(offset)])
  if (length !== undefined) entries.push(['length', String(length)])
  return { dims: [600n], dataType: 1, dataLocation: 1, externalData: entries.map(([key, value]) => ({ key, value })) }
}

/** A copy of a message with a field that no schema knows yet. */
function withUnknown<M extends Message>(message: M): M {
  message.$unknown = [
    { no: 900, wireType: WireType.LengthDelimited, data: Uint8Array.of(3, 1, 2, 3) },
    { no: 901, wireType: WireType.Varint, data: Uint8Array.of(0xff, 0x01) },
    { no: 902, wireType: WireType.Bit32, data: Uint8Array.of(1, 2, 3, 4) },
  ]
  return message
}

/** Writes the file into a new folder, with external data beside it. Returns its path. */
async function put(t: ExecutionContext, file: ModelProto | Uint8Array): Promise<string> {
  const folder = await temporaryFolder(t)
  await writeFile(join(folder, 'weights.data'), Buffer.concat([Buffer.alloc(64, 7), raw, Buffer.alloc(100, 9), raw]))
  const bytes = file instanceof Uint8Array ? file : toBinary(ModelProtoSchema, file)
  await writeFile(join(folder, 'in.onnx'), bytes)
  return join(folder, 'in.onnx')
}

async function written(t: ExecutionContext, source: string, weights?: SaveOptions['weights']): Promise<string> {
  const target = join(await temporaryFolder(t), 'out.onnx')
  await writeModel(await readModel(source), target, weights ? { weights } : {})
  return target
}

/** Checks that a model is written with the same bytes as read, or, embedded and external, with only the weights' places changed. */
async function comesBack(t: ExecutionContext, message: ModelProto): Promise<void> {
  const source = await put(t, message)
  const target = await written(t, source)
  t.true(isDeepStrictEqual(await decode(target), await decode(source)), 'decoded')
  t.true((await readFile(target)).equals(await readFile(source)), 'bytes')
  const expected = await withBytesInside(source)
  for (const weights of ['embedded', 'external'] as const) {
    const other = await written(t, source, weights)
    t.true(isDeepStrictEqual(await withBytesInside(other), expected), weights)
    t.false((await readFile(other)).includes('onnsight'), `${weights}: no marks`)
  }
}

test('every field that holds elements', async t => {
  const payloads: Tensor[] = [
    { dataType: 1, rawData: raw },
    { dataType: 1, floatData: many },
    { dataType: 11, doubleData: many },
    { dataType: 7, int64Data: long },
    { dataType: 6, int32Data: many.map(Math.trunc) },
    { dataType: 8, stringData: many.map(value => new TextEncoder().encode(`${value}`)) },
    { dataType: 1, rawData: raw, dataLocation: 0 },
  ]
  const initializer = payloads.map((payload, i): Tensor => ({ name: `t${i}`, dims: [600n], ...payload }))
  const small: Tensor[] = [
    { name: 'empty', dims: [0n], dataType: 1 },
    { name: 'explicitly empty', dims: [0n], dataType: 1, rawData: new Uint8Array(0), docString: '' },
    { name: 'one', dims: [], dataType: 1, floatData: [1.5] },
    { name: 'kept', dims: [256n], dataType: 1, rawData: raw.slice(0, 1024) },
    { name: 'cut', dims: [257n], dataType: 1, rawData: raw.slice(0, 1028), metadataProps: note },
  ]
  await comesBack(t, model({ initializer: [...initializer, ...small] }))
})

test('external data with offsets and lengths, with some left out, and other entries', async t => {
  const checked = external(2564, 2400)
  checked.externalData?.push({ key: 'checksum', value: 'abc' })
  await comesBack(
    t,
    model({
      initializer: [
        { name: 'a', ...external(64, 2400) },
        { name: 'b', ...external(2564) },
        { name: 'c', ...external() },
        { name: 'd', ...external(64, 2400, './weights.data') },
        { name: 'e', ...checked, docString: 'a tensor', metadataProps: note },
      ],
    }),
  )
})

test('weights in files inside of bodies, functions, sparse tensors and training graphs', async t => {
  const body = (name: string): Graph => ({
    name,
    node: [
      { opType: 'Constant', output: ['k'], attribute: [{ name: 'value', type: 4, t: external(64, 2400) }] },
      { opType: 'Mul', input: ['k', 'w'], output: ['o'], attribute: [{ name: 'ts', type: 9, tensors: [external()] }] },
    ],
    initializer: [{ name: 'w', ...external(2564, 2400) }],
    output: [{ name: 'o' }],
  })
  const sparse = {
    values: { name: 's', ...external(64, 2400) },
    indices: { dims: [600n], dataType: 7, int64Data: long },
  }
  await comesBack(
    t,
    model(
      {
        node: [
          {
            opType: 'If',
            input: ['c'],
            output: ['y'],
            attribute: [
              { name: 'then_branch', type: 5, g: body('then') },
              { name: 'else_branch', type: 5, g: body('else') },
              { name: 'more', type: 10, graphs: [body('more')] },
              { name: 'sparse', type: 11, sparseTensor: { ...sparse, dims: [900n] } },
              { name: 'sparses', type: 12, sparseTensors: [{ ...sparse, dims: [900n] }] },
            ],
          },
        ],
        sparseInitializer: [{ ...sparse, dims: [900n] }],
      },
      {
        functions: [
          { name: 'f', domain: 'local', node: body('f').node ?? [], attributeProto: [{ name: 'p', t: external() }] },
        ],
        trainingInfo: [
          {
            initialization: body('start'),
            algorithm: { initializer: [{ name: 'w', rawData: raw, dims: [600n], dataType: 1 }] },
          },
        ],
      },
    ),
  )
})

test('what readers have no use for: docs, metadata, annotations, devices, overloads, empty names', async t => {
  const node = create(NodeProtoSchema, {
    opType: 'Add',
    input: ['x', ''],
    output: ['y'],
    name: '',
    overload: 'second',
    docString: 'adds',
    metadataProps: note,
    deviceConfigurations: [
      {
        configurationId: 'two',
        pipelineStage: 1,
        shardingSpec: [
          { tensorName: 'x', device: [0n, 1n], indexToDeviceGroupMap: [{ key: 0n, value: [1n] }] },
          { tensorName: 'y', shardedDim: [{ axis: 0n, simpleSharding: [{ numShards: 2n }] }] },
        ],
      },
    ],
  })
  const call = create(NodeProtoSchema, { opType: 'f', domain: 'local', input: ['y'], output: ['z'] })
  call.attribute.push(create(AttributeProtoSchema, { name: 'alpha', type: 1, f: 0.1, docString: 'a factor' }))
  const fn = create(FunctionProtoSchema, {
    name: 'f',
    domain: 'local',
    input: ['a'],
    output: ['b'],
    attribute: ['alpha'],
    attributeProto: [{ name: 'beta', type: 4, t: { dims: [600n], dataType: 1, rawData: raw } }],
    node: [
      {
        opType: 'LeakyRelu',
        input: ['a'],
        output: ['b'],
        attribute: [{ name: 'alpha', refAttrName: 'alpha', type: 1 }],
      },
    ],
    opsetImport: [{ version: 21n }],
    valueInfo: [{ name: 'b', type: { value: { case: 'tensorType', value: { elemType: 1 } } } }],
    docString: 'leaks',
    overload: 'first',
    metadataProps: note,
  })
  await comesBack(
    t,
    model(
      {
        node: [node, call, create(NodeProtoSchema, { opType: 'Neg', input: ['z'], output: ['o'], name: 'Neg_1' })],
        input: [{ name: 'x', docString: 'in', metadataProps: note }],
        output: [{ name: 'o', type: { denotation: 'IMAGE', value: { case: 'sequenceType', value: {} } } }],
        valueInfo: [{ name: 'y' }],
        docString: 'a graph',
        quantizationAnnotation: [{ tensorName: 'x', quantParameterTensorNames: note }],
        metadataProps: note,
      },
      {
        functions: [fn],
        producerName: 'a hand',
        producerVersion: '',
        modelVersion: -1n,
        docString: 'a model',
        domain: 'here',
        metadataProps: note,
        configuration: [{ name: 'two', numDevices: 2, device: ['a', 'b'] }],
      },
    ),
  )
})

test('fields that no schema knows, in every message', async t => {
  const tensor = withUnknown(create(TensorProtoSchema, { name: 'w', dims: [600n], dataType: 1, rawData: raw }))
  const away = withUnknown(create(TensorProtoSchema, { name: 'v', ...external(64, 2400) }))
  const attribute = withUnknown(create(AttributeProtoSchema, { name: 'value', type: 4, t: tensor }))
  const node = withUnknown(create(NodeProtoSchema, { opType: 'Constant', output: ['c'], attribute: [attribute] }))
  const input = withUnknown(create(ValueInfoProtoSchema, { name: 'x' }))
  const graph = withUnknown(
    create(GraphProtoSchema, { name: 'g', node: [node], initializer: [tensor, away], input: [input] }),
  )
  const fn = withUnknown(create(FunctionProtoSchema, { name: 'f', domain: 'local', node: [node] }))
  const whole = create(ModelProtoSchema, { irVersion: 10n, graph, functions: [fn] })
  await comesBack(t, withUnknown(whole))
})

test('fields in another order than that of their numbers, and an unpacked list', async t => {
  const tensor = new BinaryWriter()
  tensor.tag(14, WireType.Varint).int32(0).tag(9, WireType.LengthDelimited).bytes(raw)
  tensor
    .tag(8, WireType.LengthDelimited)
    .string('w')
    .tag(1, WireType.Varint)
    .int64(600)
    .tag(2, WireType.Varint)
    .int32(1)
  const floats = new BinaryWriter().tag(2, WireType.Varint).int32(1).tag(8, WireType.LengthDelimited).string('f')
  for (const value of many) floats.tag(4, WireType.Bit32).float(value)
  floats.tag(1, WireType.LengthDelimited).fork().int64(600).join()
  const twice = new BinaryWriter().tag(2, WireType.Varint).int32(1).tag(8, WireType.LengthDelimited).string('twice')
  for (let i = 0; i < 2; i++) twice.tag(4, WireType.LengthDelimited).bytes(raw)
  twice.tag(1, WireType.Varint).int64(1200)
  const graph = new BinaryWriter()
  for (const writer of [tensor, floats, twice]) graph.tag(5, WireType.LengthDelimited).bytes(writer.finish())
  graph.tag(2, WireType.LengthDelimited).string('g')
  const file = new BinaryWriter()
    .tag(7, WireType.LengthDelimited)
    .bytes(graph.finish())
    .tag(1, WireType.Varint)
    .int64(8)
  const source = await put(t, file.finish())
  const before = await decode(source)
  t.deepEqual(
    before.graph?.initializer.map(({ name, rawData, floatData }) => [name, rawData.length, floatData.length]),
    [
      ['w', 2400, 0],
      ['f', 0, 600],
      ['twice', 0, 1200],
    ],
  )
  t.true(isDeepStrictEqual(await decode(await written(t, source)), before))
})

test('tied weights share their bytes in the external file', async t => {
  const initializer = ['a', 'b'].map((name): Tensor => ({ name, ...external(64, 2400) }))
  const target = await written(t, await put(t, model({ initializer })), 'external')
  t.is((await readFile(`${target}.data`)).length, 2400)
  t.deepEqual(await namesIn(join(target, '..')), ['out.onnx', 'out.onnx.data'])
})

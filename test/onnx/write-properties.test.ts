import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import test from 'ava'
import fc from 'fast-check'
import { readModel } from '#dist/runtime/onnx/reading/read.js'
import { ModelProtoSchema } from '#dist/runtime/onnx/schema/onnx_pb.js'
import { writeModel } from '#dist/runtime/onnx/writing/write.js'
import { decode, temporaryFolder, withBytesInside } from './written.ts'

const DATA_BYTES = 16384

const optional = <T extends object>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<Partial<T>> =>
  fc.record(model, { requiredKeys: [] }) as fc.Arbitrary<Partial<T>>

const text = fc.string({ maxLength: 6 })
const props = fc.array(optional({ key: text, value: text }), { maxLength: 2 })

/** Sizes around the limit at which payloads are cut from the message, in elements of four bytes. */
const size = fc.oneof(fc.constantFrom(0, 1, 255, 256, 257, 1024, 1025), fc.nat(1500))
const bytes = (length: number) =>
  fc.infiniteStream(fc.nat(255)).map(stream => Uint8Array.from([...stream.take(length)]))
const numbers = (length: number, of: fc.Arbitrary<number>) =>
  fc.infiniteStream(of).map(stream => [...stream.take(length)])
const small = fc.integer({ min: -1000, max: 1000 })

/** Payloads of type FLOAT, INT32, INT64 and DOUBLE, in any field that may contain them, or in a file. */
const payload = size.chain(length =>
  fc
    .oneof(
      bytes(length * 4).map(rawData => ({ dataType: 1, rawData })),
      bytes(length * 8).map(rawData => ({ dataType: 7, rawData })),
      numbers(length, fc.float({ noNaN: true })).map(floatData => ({ dataType: 1, floatData })),
      numbers(length, fc.double({ noNaN: true })).map(doubleData => ({ dataType: 11, doubleData })),
      numbers(length, small).map(int32Data => ({ dataType: 6, int32Data })),
      numbers(length, small).map(list => ({ dataType: 7, int64Data: list.map(BigInt) })),
      fc.tuple(fc.nat(DATA_BYTES - length * 4), fc.boolean()).map(([offset, isBare]) => ({
        dataType: 1,
        dataLocation: 1,
        externalData: Object.entries({ location: 'w.data', offset, ...(isBare ? {} : { length: length * 4 }) }).map(
          ([key, value]) => ({ key, value: String(value) }),
        ),
      })),
    )
    .map(content => ({ dims: [BigInt(length)], ...content })),
)

const tensor = fc
  .tuple(payload, optional({ name: text, docString: text, metadataProps: props }), fc.constantFrom(undefined, 0))
  .map(([content, rest, dataLocation]) => ({
    ...rest,
    ...(dataLocation === undefined ? {} : { dataLocation }),
    ...content,
  }))
const sparse = optional({ values: tensor, indices: tensor, dims: fc.constant([9n]) })

const { graph } = fc.letrec<{ graph: object; node: object; attribute: object }>(tie => ({
  graph: optional({
    name: text,
    node: fc.array(tie('node'), { maxLength: 3 }),
    initializer: fc.array(tensor, { maxLength: 3 }),
    sparseInitializer: fc.array(sparse, { maxLength: 1 }),
    docString: text,
    metadataProps: props,
  }),
  node: optional({
    opType: fc.constantFrom('Constant', 'If', 'Add'),
    name: text,
    input: fc.array(text, { maxLength: 2 }),
    attribute: fc.array(tie('attribute'), { maxLength: 2 }),
    metadataProps: props,
  }),
  attribute: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    optional({ name: text, i: fc.bigInt(-9n, 9n), f: fc.float({ noNaN: true }), refAttrName: text }),
    optional({ name: text, t: tensor, tensors: fc.array(tensor, { maxLength: 2 }) }),
    optional({ sparseTensor: sparse, sparseTensors: fc.array(sparse, { maxLength: 1 }) }),
    optional({ name: text, g: tie('graph'), graphs: fc.array(tie('graph'), { maxLength: 2 }) }),
  ),
}))

const model = fc
  .tuple(
    graph,
    optional({
      docString: text,
      metadataProps: props,
      functions: fc.array(optional({ name: text, node: fc.constant([]), docString: text }), { maxLength: 2 }),
      trainingInfo: fc.array(optional({ initialization: graph, algorithm: graph }), { maxLength: 1 }),
    }),
  )
  .map(([main, rest]) =>
    create(ModelProtoSchema, { irVersion: 10n, graph: main, ...rest } as MessageInitShape<typeof ModelProtoSchema>),
  )

test('any model comes back as it was; embedded or external, only its weights’ places differ', async t => {
  const folder = await temporaryFolder(t)
  const source = join(folder, 'in.onnx')
  await writeFile(
    join(folder, 'w.data'),
    Uint8Array.from({ length: DATA_BYTES }, (_, i) => (i * 37) >> 3),
  )
  await fc.assert(
    fc.asyncProperty(model, async message => {
      const before = toBinary(ModelProtoSchema, message)
      await writeFile(source, before)
      const read = await readModel(source)
      await writeModel(read, join(folder, 'as-read.onnx'))
      if (!(await readFile(join(folder, 'as-read.onnx'))).equals(before))
        throw new Error('Written as read, it differs.')
      const expected = await withBytesInside(source)
      for (const weights of ['embedded', 'external'] as const) {
        const target = join(folder, `${weights}.onnx`)
        await writeModel(read, target, { weights })
        if (!isDeepStrictEqual(await withBytesInside(target), expected)) throw new Error(`${weights}: it differs.`)
        const places = (await decode(target)).graph?.initializer.map(({ dataLocation }) => dataLocation) ?? []
        if (weights === 'embedded' && places.includes(1)) throw new Error('A weight is outside.')
      }
    }),
    { numRuns: 60 },
  )
  t.pass()
})

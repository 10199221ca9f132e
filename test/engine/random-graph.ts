import { create, toBinary } from '@bufbuild/protobuf'
import fc from 'fast-check'
import {
  GraphProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
} from '#dist/runtime/onnx/schema/onnx_pb.js'

/** A small random graph over float32 [2, 3]. Every node reads earlier values. It has several scopes, flat or nested. */
export interface RandomGraph {
  readonly nodes: readonly { op: string; reads: readonly number[]; scope: string }[]
}

const ops = ['Tanh', 'Neg', 'Sigmoid', 'Add', 'Sub', 'Mul']
const scopes = ['/a', '/a/b', '/l.0', '/l.0/m', '/l.1', '/l.1/m', '/l.2', '']

export const randomGraph: fc.Arbitrary<RandomGraph> = fc
  .array(
    fc.record({ op: fc.constantFrom(...ops), first: fc.nat(), second: fc.nat(), scope: fc.constantFrom(...scopes) }),
    { minLength: 4, maxLength: 14 },
  )
  .map(list => ({
    nodes: list.map(({ op, first, second, scope }, i) => ({
      op,
      // Most nodes read the value just before, so that the graph is deep.
      reads: ['Add', 'Sub', 'Mul'].includes(op)
        ? [first % 3 === 0 ? first % (i + 1) : i, second % (i + 1)]
        : [first % 3 === 0 ? first % (i + 1) : i],
      scope,
    })),
  }))

export const valueName = (i: number): string => (i === 0 ? 'x' : `v${i}`)

export interface NaiveEdit {
  readonly value: number
  readonly factor: number
}

/** The graph as a file. Each of the `edits`, which are written into it by hand, scales a value for every reader. */
export function encode(
  { nodes }: RandomGraph,
  edits: readonly NaiveEdit[] = [],
  outputs: readonly number[] = [nodes.length],
): Uint8Array {
  const made: NodeProto[] = []
  const seen = (i: number): string => (edits.some(edit => edit.value === i) ? `${valueName(i)}_edited` : valueName(i))
  const scale = (i: number): void => {
    for (const { value, factor } of edits) {
      if (value !== i) continue
      made.push(
        create(NodeProtoSchema, {
          opType: 'Mul',
          input: [valueName(i), `f${factor}`],
          output: [`${valueName(i)}_edited`],
        }),
      )
    }
  }
  nodes.forEach(({ op, reads, scope }, i) => {
    made.push(
      create(NodeProtoSchema, {
        name: `${scope}/${op}_${i}`,
        opType: op,
        input: reads.map(seen),
        output: [valueName(i + 1)],
      }),
    )
    scale(i + 1)
  })
  const value = (name: string) => ({
    name,
    type: {
      value: {
        case: 'tensorType' as const,
        value: { elemType: 1, shape: { dim: [2n, 3n].map(n => ({ value: { case: 'dimValue' as const, value: n } })) } },
      },
    },
  })
  const factors = [...new Set(edits.map(edit => edit.factor))]
  const graph = create(GraphProtoSchema, {
    name: 'g',
    node: made,
    input: [value('x')],
    output: outputs.map(i => value(edits.length > 0 ? seen(i) : valueName(i))),
    initializer: factors.map(factor => ({ name: `f${factor}`, dataType: 1, floatData: [factor] })),
  })
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, { irVersion: 8n, opsetImport: [{ domain: '', version: 17n }], graph }),
  )
}

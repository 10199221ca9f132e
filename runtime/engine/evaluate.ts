import { create, toBinary } from '@bufbuild/protobuf'
import { LRUCache } from 'lru-cache'
import type { Value } from '../graph/expression.ts'
import { type NormalForm, normalise } from '../graph/normalise.ts'
import { GraphProtoSchema, ModelProtoSchema, type NodeProto, type TensorProto } from '../onnx/schema/onnx_pb.ts'
import type { TensorData } from '../tensor/data.ts'
import { emitNode, emitTensor, emitValueInfo } from './emit.ts'
import type { Provider, Session } from './providers/provider.ts'

/** The opset in which recorded operations are written down. */
export const RECORDED_OPSET = 21

/** Runs tensor operations outside any model: one small session for each kind of expression, kept while it is used. */
export class Calculator {
  readonly #provider: Provider
  readonly #sessions: LRUCache<string, Promise<Session>>

  constructor(provider: Provider, maxSessions = 256) {
    this.#provider = provider
    this.#sessions = new LRUCache({
      max: maxSessions,
      dispose: session =>
        void session.then(
          s => s.release(),
          () => {},
        ),
    })
  }

  async evaluate(values: readonly Value[]): Promise<TensorData[]> {
    const form = normalise({ owner: undefined, writes: new Map(), wanted: values })
    const names = values.map(value => valueName(form, value))
    let pending = this.#sessions.get(form.key)
    if (!pending) {
      pending = this.#provider.create(emitModel(form, names), { prepack: false, optimize: 'all' })
      this.#sessions.set(form.key, pending)
      pending.catch(() => this.#sessions.delete(form.key))
    }
    const session = await pending
    const feeds: Record<string, TensorData> = {}
    form.operands.forEach((data, slot) => {
      feeds[`$${slot}`] = data
    })
    const results = await session.run(feeds, [...new Set(names)])
    return names.map(name => results[name])
  }
}

function emitModel(form: NormalForm, wanted: string[]): Uint8Array {
  const node: NodeProto[] = []
  const initializer: TensorProto[] = []
  const input = form.operands.map((data, slot) => emitValueInfo(`$${slot}`, data.type))
  for (const expression of form.order) {
    if (expression.kind === 'constant') {
      initializer.push(emitTensor(expressionName(form, expression), expression.data))
    } else if (expression.kind === 'operation') {
      const own = form.order.indexOf(expression)
      const inputs = expression.inputs.map(value => (value ? valueName(form, value) : ''))
      const outputs = Array.from({ length: expression.outputs }, (_, i) => `%${own}.${i}`)
      node.push(emitNode(expression, `${expression.mark?.label() ?? ''} ${expression.opType} ${own}`, inputs, outputs))
    }
  }
  const model = create(ModelProtoSchema, {
    irVersion: 10n,
    opsetImport: [{ domain: '', version: BigInt(RECORDED_OPSET) }],
    graph: create(GraphProtoSchema, {
      name: 'operations',
      node,
      initializer,
      input,
      output: [...new Set(wanted)].map(name => emitValueInfo(name)),
    }),
  })
  return toBinary(ModelProtoSchema, model)
}

function valueName(form: NormalForm, value: Value): string {
  return value.expression.kind === 'operation'
    ? `%${form.order.indexOf(value.expression)}.${value.output}`
    : expressionName(form, value.expression)
}

/** Operands are told apart as expressions: two may hold the same data now, and other data when the session is used again. */
function expressionName(form: NormalForm, expression: Value['expression']): string {
  if (expression.kind === 'operand')
    return `$${form.order.filter(({ kind }) => kind === 'operand').indexOf(expression)}`
  return `#${form.order.indexOf(expression)}`
}

import type { Value } from '../../graph/expression.ts'
import { type NormalForm, normalise } from '../../graph/normalise.ts'
import type { NodeProto, TensorProto } from '../../onnx/schema/onnx_pb.ts'
import type { TensorData } from '../../tensor/dtypes/data.ts'
import type { DataType } from '../../tensor/dtypes/dtype.ts'
import { isHeld } from '../../tensor/dtypes/dtype.ts'
import { recordedUnits } from '../linker/recorded-units.ts'
import { constantId, operandId, recordedId } from '../linker/unit.ts'
import { assemble, fetchName } from '../sessions/assemble.ts'
import { emitNode, emitTensor } from '../sessions/emit.ts'
import type { Provider, SessionModel } from '../sessions/provider.ts'
import { recordedOpsets } from '../sessions/recorded-opset.ts'
import { SessionCache } from '../sessions/sessions.ts'

const MIB = 1024 * 1024

/** Runs tensor operations outside of any model. It creates one small session for each kind of expression, and keeps it while it is used. */
export class Calculator {
  readonly #sessions: SessionCache

  constructor(provider: Provider, sessionBytes = 128 * MIB) {
    this.#sessions = new SessionCache(provider, sessionBytes)
  }

  async evaluate(values: readonly Value[]): Promise<TensorData[]> {
    const form = normalise({ owner: undefined, writes: new Map(), wanted: values })
    const names = values.map(value => recordedId(form, value))
    const edges = new Map(values.map((value, i) => [names[i], value.type]))
    const feeds = Object.fromEntries(form.operands.map((data, slot) => [operandId(slot), data]))
    const { key, order } = form
    const request = {
      key,
      model: () => emitModel(form, values, edges),
      nodeCount: order.length,
      weightBytes: 0,
      packedBytes: 0,
      prepack: false,
    }
    const fetched = (name: string): string => fetchName(name, edges.get(name))
    const wanted = [...edges.keys()].map(fetched)
    const results = await this.#sessions.use(request, session => session.run(feeds, wanted))
    return names.map(name => results[fetched(name)])
  }
}

/** @param edges the names of the wanted values, and their dtypes */
function emitModel(recorded: NormalForm, wanted: readonly Value[], edges: ReadonlyMap<string, DataType>): SessionModel {
  const { units, form } = recordedUnits(recorded, wanted)
  const nodes = units.map(({ operation, inputs, outputs }, i): NodeProto => {
    const { opType, mark } = operation!
    return emitNode(operation!, `${mark?.label() ?? ''} ${opType} ${i}`, [...inputs], [...outputs])
  })
  const read = nodes.flatMap(node => node.input)
  const constants: TensorProto[] = []
  form.order.forEach((expression, number) => {
    if (expression.kind === 'constant') constants.push(emitTensor(constantId(number), expression.data))
  })
  const inputs = form.operands.map((data, slot) => ({ name: operandId(slot), type: data.type }))
  // onnxruntime finds all dtypes itself; those that JavaScript can't hold are cast.
  const outputs = [...edges].map(([name, type]) => ({ name, type: isHeld(type) ? undefined : type }))
  return assemble({ nodes, inputs, outputs, initializers: [], constants, read }, undefined, recordedOpsets)
}

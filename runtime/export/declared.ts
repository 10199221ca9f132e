import { emitValueInfo } from '../engine/sessions/emit.ts'
import type { Dim } from '../graph/expression.ts'
import { withFields } from '../onnx/message/message.ts'
import type { ModelProto, NodeProto, ValueInfoProto } from '../onnx/schema/onnx_pb.ts'
import type { Shapes } from './open-dims.ts'

/**
 * Declares what comes of the edits' nodes and is read by onnxruntime's own operators, with the dims that are the same for all inputs.
 * Of a value that was made to fit at run time onnxruntime knows no dims, and its inference for some of those operators takes what it
 * does not know for 0: it refuses a packed GroupQueryAttention then.
 */
export function declared(message: ModelProto, added: readonly NodeProto[], shapes: readonly Shapes[]): ModelProto {
  const graph = message.graph!
  const changed = new Set(added.flatMap(({ output }) => output))
  const known = new Set([...graph.valueInfo, ...graph.output, ...graph.input].map(({ name }) => name))
  const infos: ValueInfoProto[] = []
  for (const { domain, input, output } of graph.node) {
    if (!input.some(name => changed.has(name))) continue
    for (const name of output) changed.add(name)
    if (domain !== 'com.microsoft') continue
    for (const name of input) {
      const info = changed.has(name) && !known.has(name) ? infoOf(name, shapes) : undefined
      if (info) infos.push(info)
      known.add(name)
    }
  }
  return infos.length === 0
    ? message
    : withFields(message, { graph: withFields(graph, { valueInfo: [...graph.valueInfo, ...infos] }) })
}

/** Undefined where not even the rank is known. */
function infoOf(name: string, shapes: readonly Shapes[]): ValueInfoProto | undefined {
  const all = shapes.map(each => each.get(name))
  const [first] = all
  if (!first?.dims || !all.every(each => each?.dims?.length === first.dims!.length)) return undefined
  const dims = first.dims.map((dim, axis): Dim => (all.every(each => each!.dims![axis] === dim) ? dim : undefined))
  return emitValueInfo(name, first.type, dims)
}

import type { GraphProto, NodeProto } from '../schema/onnx_pb.ts'
import { bodiesOf } from './subgraphs.ts'

/** Names that a graph defines, its bodies included. */
export function* namesIn(graph: GraphProto): Iterable<string> {
  for (const { name } of [...graph.input, ...graph.initializer]) yield name
  for (const { values } of graph.sparseInitializer) if (values) yield values.name
  yield* namesInNodes(graph.node)
}

/** Names that nodes define, their bodies included. */
export function* namesInNodes(nodes: readonly NodeProto[]): Iterable<string> {
  for (const node of nodes) {
    for (const name of node.output) if (name !== '') yield name
    for (const body of bodiesOf(node)) yield* namesIn(body)
  }
}

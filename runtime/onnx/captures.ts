import { create } from '@bufbuild/protobuf'
import { type AttributeProto, AttributeProtoSchema, type GraphProto, GraphProtoSchema, type NodeProto, NodeProtoSchema } from './schema/onnx_pb.ts'

/** The node with other names for the outer values that its subgraph bodies read. ONNX forbids a body to define an outer name anew. */
export function renameCaptures(node: NodeProto, names: ReadonlyMap<string, string>): NodeProto {
  return create(NodeProtoSchema, { ...node, attribute: node.attribute.map(attribute => renameInAttribute(attribute, names)) })
}

function renameInAttribute(attribute: AttributeProto, names: ReadonlyMap<string, string>): AttributeProto {
  if (!attribute.g && attribute.graphs.length === 0) return attribute
  return create(AttributeProtoSchema, {
    ...attribute,
    ...(attribute.g ? { g: renameInBody(attribute.g, names) } : {}),
    graphs: attribute.graphs.map(graph => renameInBody(graph, names)),
  })
}

function renameInBody(graph: GraphProto, names: ReadonlyMap<string, string>): GraphProto {
  const rename = (name: string): string => names.get(name) ?? name
  return create(GraphProtoSchema, {
    ...graph,
    node: graph.node.map(node => create(NodeProtoSchema, { ...renameCaptures(node, names), input: node.input.map(rename) })),
    output: graph.output.map(output => ({ ...output, name: rename(output.name) })),
  })
}

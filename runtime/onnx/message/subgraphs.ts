import type { AttributeProto, GraphProto, NodeProto } from '../schema/onnx_pb.ts'
import { withFields } from './message.ts'

/** The graphs in a node's attributes: branches, loop bodies. */
export function bodiesOf(node: NodeProto): GraphProto[] {
  return node.attribute.flatMap(({ g, graphs }) => (g ? [g, ...graphs] : graphs))
}

/** A copy of the node with changed bodies; the node itself if it has none. */
export function withBodies(node: NodeProto, change: (body: GraphProto) => GraphProto): NodeProto {
  const hasBodies = ({ g, graphs }: AttributeProto): boolean => g !== undefined || graphs.length > 0
  if (!node.attribute.some(hasBodies)) return node
  const attribute = node.attribute.map(own =>
    hasBodies(own) ? withFields(own, { ...(own.g ? { g: change(own.g) } : {}), graphs: own.graphs.map(change) }) : own,
  )
  return withFields(node, { attribute })
}

/** A copy of the node with other names for all values that it and its bodies read and make. */
export function renameIn(node: NodeProto, rename: (name: string) => string): NodeProto {
  const renamed = withFields(node, { input: node.input.map(rename), output: node.output.map(rename) })
  return renameInBodies(renamed, rename)
}

/** A copy of the node with other names for all values that its bodies read and make. */
export function renameInBodies(node: NodeProto, rename: (name: string) => string): NodeProto {
  return withBodies(node, body => renameBody(body, rename))
}

function renameBody(body: GraphProto, rename: (name: string) => string): GraphProto {
  const named = <M extends { readonly $typeName: string; name: string }>(message: M): M =>
    withFields(message as never, { name: rename(message.name) } as never)
  return withFields(body, {
    node: body.node.map(inner => renameIn(inner, rename)),
    input: body.input.map(named),
    output: body.output.map(named),
    initializer: body.initializer.map(named),
    valueInfo: body.valueInfo.map(named),
    sparseInitializer: body.sparseInitializer.map(sparse =>
      sparse.values ? withFields(sparse, { values: named(sparse.values) }) : sparse,
    ),
    quantizationAnnotation: body.quantizationAnnotation.map(annotation =>
      withFields(annotation, { tensorName: rename(annotation.tensorName) }),
    ),
  })
}

import type { GraphNode } from '../../onnx/graph/node.ts'
import type { NodeProto } from '../../onnx/schema/onnx_pb.ts'

/** The module that a node's name or metadata tells. */
export interface NodeScope {
  /** `['transformer', 'h', '0', 'attn']`; empty for the model itself. */
  readonly path: readonly string[]
  /** Class of each module on the path, where the exporter tells. */
  readonly classes?: readonly (string | undefined)[]
}

/** How one kind of exporter writes module paths into a graph. */
export interface NamingScheme {
  readonly name: string
  /** The scope that a node's name or metadata tells; undefined if it tells none. */
  scopeOf(node: GraphNode): NodeScope | undefined
  /** The scope that a value's name tells; undefined if it tells none. */
  scopeOfValue?(name: string): NodeScope | undefined
  /** The name and metadata that put a new node into the module at `path`. `name` is its own name, `sibling` a node of that module, if any. */
  placeIn(path: readonly string[], name: string, sibling: GraphNode | undefined): Placement
}

/** The fields of a node that tell where it belongs. */
export type Placement = Pick<NodeProto, 'name'> & Partial<Pick<NodeProto, 'metadataProps'>>

import type { GraphNode } from '../../onnx/graph/node.ts'
import type { NodeProto } from '../../onnx/schema/onnx_pb.ts'

/** What a node's name or metadata says of its place among modules. */
export interface NodeScope {
  /** `['transformer', 'h', '0', 'attn']`; empty for the model itself. */
  readonly path: readonly string[]
  /** Class of each module on the path, where the exporter tells. */
  readonly classes?: readonly (string | undefined)[]
}

/** How one kind of exporter leaves module paths in a graph. */
export interface NamingScheme {
  readonly name: string
  /** The scope of a node; undefined where the scheme says nothing of it. */
  scopeOf(node: GraphNode): NodeScope | undefined
  /** The scope that a value's name tells; undefined where the scheme says nothing of it. */
  scopeOfValue?(name: string): NodeScope | undefined
  /** What makes a new node one of the module `path`: `name` is its own name, `like` a node in that module, if there is one. */
  placeIn(path: readonly string[], name: string, like: GraphNode | undefined): Placement
}

/** The fields of a node that tell where it belongs. */
export type Placement = Pick<NodeProto, 'name'> & Partial<Pick<NodeProto, 'metadataProps'>>

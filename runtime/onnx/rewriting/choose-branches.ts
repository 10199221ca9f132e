import { create } from '@bufbuild/protobuf'
import { InvalidGraphError } from '../../errors/onnx.ts'
import { renameCaptures } from '../message/captures.ts'
import { withFields } from '../message/message.ts'
import { bodiesOf } from '../message/subgraphs.ts'
import { type GraphProto, type ModelProto, type NodeProto, NodeProtoSchema } from '../schema/onnx_pb.ts'

/** Which body of an `If` node runs. */
export type Branch = 'then' | 'else'

/** An If node has no name that is sure to be there and unique: its first result's has both. */
export function branchId(node: { readonly output: readonly string[] }): string {
  return node.output.find(name => name !== '') ?? ''
}

/**
 * The model with some `If` nodes of the main graph replaced by the nodes of the branch that runs, so that what is inside is part of the
 * graph like any other value. Names stay; one that is used in several places gets the If's name before it. The message given is not
 * changed. @param taken by `branchId`
 * @param inPlace filled with what stands for a node of the main graph, where that is not the node itself
 */
export function takeBranches(
  proto: ModelProto,
  taken: ReadonlyMap<string, Branch>,
  inPlace?: Map<NodeProto, readonly NodeProto[]>,
): ModelProto {
  const graph = proto.graph as GraphProto
  const names = new Names(graph, taken)
  const merged: BodyParts = {
    node: [],
    initializer: [...graph.initializer],
    sparseInitializer: [...graph.sparseInitializer],
    valueInfo: [...graph.valueInfo],
    quantizationAnnotation: [...graph.quantizationAnnotation],
  }
  for (const node of graph.node) {
    const branch = node.opType === 'If' ? taken.get(branchId(node)) : undefined
    if (!branch) {
      merged.node.push(node)
      continue
    }
    const parts = splice(node, bodyOf(node, branch), names)
    merged.node.push(...parts.node)
    if (inPlace) replaceIn(inPlace, node, parts.node)
    merged.initializer.push(...parts.initializer)
    merged.sparseInitializer.push(...parts.sparseInitializer)
    merged.valueInfo.push(...parts.valueInfo)
    merged.quantizationAnnotation.push(...parts.quantizationAnnotation)
  }
  return withFields(proto, { graph: withFields(graph, merged) })
}

/** A node may itself stand in the place of another. */
function replaceIn(inPlace: Map<NodeProto, readonly NodeProto[]>, node: NodeProto, nodes: readonly NodeProto[]): void {
  let isWithin = false
  for (const [outer, inner] of inPlace) {
    if (!inner.includes(node)) continue
    inPlace.set(
      outer,
      inner.flatMap(each => (each === node ? nodes : [each])),
    )
    isWithin = true
  }
  if (!isWithin) inPlace.set(node, nodes)
}

type BodyParts = Pick<GraphProto, 'node' | 'initializer' | 'sparseInitializer' | 'valueInfo' | 'quantizationAnnotation'>

/** The graph of a branch. @throws InvalidGraphError if it is missing */
export function bodyOf(node: NodeProto, branch: Branch): GraphProto {
  const body = node.attribute.find(attribute => attribute.name === `${branch}_branch`)?.g
  if (!body) throw new InvalidGraphError(`The If node ${node.name || branchId(node)} has no ${branch}_branch.`)
  return body
}

function splice(node: NodeProto, body: GraphProto, names: Names): BodyParts {
  const renamed = new Map<string, string>()
  for (const name of definedIn(body)) {
    const unique = names.unique(name, node.name || branchId(node))
    if (unique !== name) renamed.set(name, unique)
  }
  const rename = (name: string): string => renamed.get(name) ?? name
  const made = new Set(body.node.flatMap(inner => inner.output))
  const given = new Set<string>()
  const passed: [from: string, to: string][] = []
  node.output.forEach((outer, i) => {
    const inner = body.output[i]?.name
    if (inner === undefined) {
      throw new InvalidGraphError(`A branch of the If node ${node.name || branchId(node)} gives too few values.`)
    }
    if (outer === '') return
    // A value that only passes through the branch, or leaves it twice, needs a node that gives it its outer name.
    if (made.has(inner) && !given.has(inner)) renamed.set(inner, outer)
    else passed.push([inner, outer])
    given.add(inner)
  })
  const nodes = body.node.map(inner =>
    withFields(renameCaptures(inner, renamed), {
      input: inner.input.map(rename),
      output: inner.output.map(rename),
    }),
  )
  return {
    node: [...nodes, ...passed.map(([from, to]) => identity(node, rename(from), to))],
    initializer: body.initializer.map(tensor => withFields(tensor, { name: rename(tensor.name) })),
    sparseInitializer: body.sparseInitializer.map(tensor =>
      tensor.values
        ? withFields(tensor, { values: withFields(tensor.values, { name: rename(tensor.values.name) }) })
        : tensor,
    ),
    valueInfo: [...body.valueInfo, ...body.output.filter(({ name }) => made.has(name))].map(info =>
      withFields(info, { name: rename(info.name) }),
    ),
    quantizationAnnotation: body.quantizationAnnotation.map(annotation =>
      withFields(annotation, { tensorName: rename(annotation.tensorName) }),
    ),
  }
}

function identity(node: NodeProto, from: string, to: string): NodeProto {
  return create(NodeProtoSchema, {
    name: `${node.name || branchId(node)}/${to}`,
    opType: 'Identity',
    input: [from],
    output: [to],
    metadataProps: node.metadataProps,
  })
}

/** Values that a graph defines itself, its bodies apart. */
function* definedIn(graph: GraphProto): Iterable<string> {
  for (const { name } of graph.input) yield name
  for (const { name } of graph.initializer) yield name
  for (const { values } of graph.sparseInitializer) if (values) yield values.name
  for (const node of graph.node) for (const name of node.output) if (name !== '') yield name
}

/** Names in use anywhere in the graph: bodies may not define an outer name anew, so a value that moves outwards must not have one of theirs. */
class Names {
  readonly #uses = new Map<string, number>()

  /** Counts a name once for each graph that defines it; branches that are left out do not count. */
  constructor(graph: GraphProto, taken: ReadonlyMap<string, Branch>) {
    const count = (inner: GraphProto, isMain: boolean): void => {
      for (const name of new Set(definedIn(inner))) this.#uses.set(name, (this.#uses.get(name) ?? 0) + 1)
      for (const node of inner.node) {
        const branch = isMain && node.opType === 'If' ? taken.get(branchId(node)) : undefined
        if (branch) count(bodyOf(node, branch), false)
        else for (const body of bodiesOf(node)) count(body, false)
      }
    }
    count(graph, true)
  }

  unique(name: string, prefix: string): string {
    if (this.#uses.get(name) === 1) return name
    let unique = `${prefix}/${name}`
    for (let i = 2; this.#uses.has(unique); i++) unique = `${prefix}/${name}_${i}`
    this.#uses.set(unique, 1)
    return unique
  }
}

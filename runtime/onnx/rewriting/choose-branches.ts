import { create } from '@bufbuild/protobuf'
import { InvalidGraphError } from '../../errors/onnx.ts'
import { renameCaptures } from '../message/captures.ts'
import { withFields } from '../message/message.ts'
import { bodiesOf } from '../message/subgraphs.ts'
import { type GraphProto, type ModelProto, type NodeProto, NodeProtoSchema } from '../schema/onnx_pb.ts'

/** Which body of an `If` node runs. */
export type Branch = 'then' | 'else'

/** Identifies an If node by the name of its first result: the node's own name may be missing or used twice. */
export function branchId(node: { readonly output: readonly string[] }): string {
  return node.output.find(name => name !== '') ?? ''
}

/**
 * Replaces `If` nodes of the main graph by the nodes of the branch that runs, so that a trace can read and write them. Names stay; a name
 * that is used in several places gets the If's name as a prefix. The message is copied, not changed.
 * @param branches the branch that runs, by `branchId`
 * @param replacements is filled with the nodes that replace a node of the main graph, for each one that is replaced
 * @throws InvalidGraphError for a branch that is missing or gives too few values
 */
export function takeBranches(
  proto: ModelProto,
  branches: ReadonlyMap<string, Branch>,
  replacements?: Map<NodeProto, readonly NodeProto[]>,
): ModelProto {
  const graph = proto.graph as GraphProto
  const names = new UsedNames(graph, branches)
  const merged: BodyParts = {
    node: [],
    initializer: [...graph.initializer],
    sparseInitializer: [...graph.sparseInitializer],
    valueInfo: [...graph.valueInfo],
    quantizationAnnotation: [...graph.quantizationAnnotation],
  }
  for (const node of graph.node) {
    const branch = node.opType === 'If' ? branches.get(branchId(node)) : undefined
    if (!branch) {
      merged.node.push(node)
      continue
    }
    const parts = splice(node, bodyOf(node, branch), names)
    merged.node.push(...parts.node)
    if (replacements) recordReplacement(replacements, node, parts.node)
    merged.initializer.push(...parts.initializer)
    merged.sparseInitializer.push(...parts.sparseInitializer)
    merged.valueInfo.push(...parts.valueInfo)
    merged.quantizationAnnotation.push(...parts.quantizationAnnotation)
  }
  return withFields(proto, { graph: withFields(graph, merged) })
}

/** Notes that `nodes` replace `node`, also where `node` itself had replaced another. */
function recordReplacement(
  replacements: Map<NodeProto, readonly NodeProto[]>,
  node: NodeProto,
  nodes: readonly NodeProto[],
): void {
  let isWithin = false
  for (const [outer, inner] of replacements) {
    if (!inner.includes(node)) continue
    replacements.set(
      outer,
      inner.flatMap(each => (each === node ? nodes : [each])),
    )
    isWithin = true
  }
  if (!isWithin) replacements.set(node, nodes)
}

type BodyParts = Pick<GraphProto, 'node' | 'initializer' | 'sparseInitializer' | 'valueInfo' | 'quantizationAnnotation'>

/** The graph of a branch. @throws InvalidGraphError if it is missing */
export function bodyOf(node: NodeProto, branch: Branch): GraphProto {
  const body = node.attribute.find(attribute => attribute.name === `${branch}_branch`)?.g
  if (!body) throw new InvalidGraphError(`The If node ${node.name || branchId(node)} has no ${branch}_branch.`)
  return body
}

function splice(node: NodeProto, body: GraphProto, names: UsedNames): BodyParts {
  const renamed = new Map<string, string>()
  for (const name of definedIn(body)) {
    const unique = names.unique(name, node.name || branchId(node))
    if (unique !== name) renamed.set(name, unique)
  }
  const rename = (name: string): string => renamed.get(name) ?? name
  const bodyOutputs = new Set(body.node.flatMap(inner => inner.output))
  const handedOut = new Set<string>()
  const unchanged: [from: string, to: string][] = []
  node.output.forEach((outer, i) => {
    const inner = body.output[i]?.name
    if (inner === undefined) {
      throw new InvalidGraphError(`A branch of the If node ${node.name || branchId(node)} gives too few values.`)
    }
    if (outer === '') return
    // A value that the branch does not make, or that leaves it twice, needs an Identity that gives it its outer name.
    if (bodyOutputs.has(inner) && !handedOut.has(inner)) renamed.set(inner, outer)
    else unchanged.push([inner, outer])
    handedOut.add(inner)
  })
  const nodes = body.node.map(inner =>
    withFields(renameCaptures(inner, renamed), {
      input: inner.input.map(rename),
      output: inner.output.map(rename),
    }),
  )
  return {
    node: [...nodes, ...unchanged.map(([from, to]) => identity(node, rename(from), to))],
    initializer: body.initializer.map(tensor => withFields(tensor, { name: rename(tensor.name) })),
    sparseInitializer: body.sparseInitializer.map(tensor =>
      tensor.values
        ? withFields(tensor, { values: withFields(tensor.values, { name: rename(tensor.values.name) }) })
        : tensor,
    ),
    valueInfo: [...body.valueInfo, ...body.output.filter(({ name }) => bodyOutputs.has(name))].map(info =>
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

/** Names that a graph defines itself, not in its bodies. */
function* definedIn(graph: GraphProto): Iterable<string> {
  for (const { name } of graph.input) yield name
  for (const { name } of graph.initializer) yield name
  for (const { values } of graph.sparseInitializer) if (values) yield values.name
  for (const node of graph.node) for (const name of node.output) if (name !== '') yield name
}

/** Names in use anywhere in the graph. A body may not define an outer name again, so a value that moves outwards needs a name no body uses. */
class UsedNames {
  readonly #uses = new Map<string, number>()

  /** Counts a name once for each graph that defines it, except in branches that do not run. */
  constructor(graph: GraphProto, branches: ReadonlyMap<string, Branch>) {
    const count = (inner: GraphProto, isMain: boolean): void => {
      for (const name of new Set(definedIn(inner))) this.#uses.set(name, (this.#uses.get(name) ?? 0) + 1)
      for (const node of inner.node) {
        const branch = isMain && node.opType === 'If' ? branches.get(branchId(node)) : undefined
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

import { create } from '@bufbuild/protobuf'
import { InvalidGraphError } from '../../errors/onnx.ts'
import { namesIn, namesInNodes } from '../message/defined-names.ts'
import { withFields } from '../message/message.ts'
import { bodiesOf, renameIn, withBodies } from '../message/subgraphs.ts'
import {
  type AttributeProto,
  type FunctionProto,
  type GraphProto,
  type ModelProto,
  type NodeProto,
  NodeProtoSchema,
  type ValueInfoProto,
} from '../schema/onnx_pb.ts'

/**
 * Replaces every call of a model-local function by the function's nodes, at any depth, so that a trace can read and write them. Inner names
 * get the call's name as a prefix. A function for another version of an operator set than the model's stays, as do those it calls. The
 * message is copied, not changed. @throws InvalidGraphError for a function that calls itself
 */
export function inlineFunctions(proto: ModelProto, replacements?: Replacements): ModelProto {
  if (proto.functions.length === 0 || !proto.graph) return proto
  return new Inliner(proto).run(replacements)
}

/** Functions that onnxruntime ignores, because it has an operator of the same name. */
const overridden = new WeakSet<FunctionProto>()

/** Keeps a function from being inlined: onnxruntime runs its own operator of that name instead. */
export function markOverridden(fn: FunctionProto): void {
  overridden.add(fn)
}

/** The nodes that replace a node of the main graph, for each one that is replaced. */
type Replacements = Map<NodeProto, readonly NodeProto[]>

class Inliner {
  readonly #proto: ModelProto
  readonly #functions: ReadonlyMap<string, FunctionProto>
  readonly #versions: Map<string, bigint>
  readonly #names: Set<string>
  readonly #callStack: string[] = []
  readonly #canInlineFunction = new Map<FunctionProto, boolean>()

  constructor(proto: ModelProto) {
    this.#proto = proto
    const functions = proto.functions.filter(fn => !overridden.has(fn))
    this.#functions = new Map(functions.map(fn => [keyOf(fn.domain, fn.name, fn.overload), fn]))
    this.#versions = new Map(proto.opsetImport.map(({ domain, version }) => [standard(domain), version]))
    this.#names = new Set(namesIn(proto.graph as GraphProto))
  }

  run(replacements?: Replacements): ModelProto {
    const graph = this.#graph(this.#proto.graph as GraphProto, replacements)
    const kept = new Set(this.#proto.functions.filter(fn => !this.#canInline(fn)))
    for (const fn of kept) for (const called of this.#calledBy(fn.node)) kept.add(called)
    const imported = new Set(this.#proto.opsetImport.map(({ domain }) => standard(domain)))
    const [first] = this.#proto.opsetImport
    const added = [...this.#versions].filter(([domain]) => !imported.has(domain))
    return withFields(this.#proto, {
      graph,
      functions: this.#proto.functions.filter(fn => kept.has(fn)),
      opsetImport: [
        ...this.#proto.opsetImport,
        ...added.map(([domain, version]) => withFields(first, { domain, version })),
      ],
    })
  }

  /** Replaces a graph's calls. The value_info of the functions is added to the graph's. */
  #graph(graph: GraphProto, replacements?: Replacements): GraphProto {
    const valueInfo = [...graph.valueInfo]
    const node = graph.node.flatMap(inner => {
      const nodes = this.#node(inner, valueInfo)
      if (nodes.length !== 1 || nodes[0] !== inner) replacements?.set(inner, nodes)
      return nodes
    })
    return withFields(graph, { node, valueInfo })
  }

  #node(node: NodeProto, valueInfo: ValueInfoProto[]): NodeProto[] {
    const expanded = withBodies(node, body => this.#graph(body))
    const key = keyOf(node.domain, node.opType, node.overload)
    const fn = this.#functions.get(key)
    if (!fn || !this.#canInline(fn)) return [expanded]
    if (this.#callStack.includes(key)) {
      const circle = [...this.#callStack.slice(this.#callStack.indexOf(key)), key].map(name => name.split('\n')[1])
      throw new InvalidGraphError(`The function ${circle.join(' calls ')}: it never ends.`)
    }
    this.#callStack.push(key)
    try {
      return this.#call(expanded, fn, valueInfo)
    } finally {
      this.#callStack.pop()
    }
  }

  #call(call: NodeProto, fn: FunctionProto, valueInfo: ValueInfoProto[]): NodeProto[] {
    const prefix = this.#prefixFor(call, fn)
    const renamed = new Map<string, string>(fn.input.map((formal, i) => [formal, call.input[i] ?? '']))
    const unchanged: [from: string, to: string][] = []
    fn.output.forEach((formal, i) => {
      const actual = call.output[i] ?? ''
      if (actual === '') return
      // An input that is also an output, or a value that leaves twice, needs an Identity that gives it its outer name.
      if (renamed.has(formal)) unchanged.push([formal, actual])
      else renamed.set(formal, actual)
    })
    const rename = (name: string): string => (name === '' ? '' : (renamed.get(name) ?? `${prefix}/${name}`))
    for (const name of new Set(namesInNodes(fn.node))) this.#names.add(rename(name))
    for (const info of fn.valueInfo)
      if (!renamed.has(info.name)) valueInfo.push(withFields(info, { name: rename(info.name) }))
    const attributes = new Map(fn.attributeProto.map(attribute => [attribute.name, attribute]))
    for (const attribute of call.attribute) attributes.set(attribute.name, attribute)
    const nodes = fn.node.map(inner => {
      const bound = bindAttributes(renameIn(inner, rename), attributes)
      return withFields(bound, { name: `${prefix}/${inner.name || inner.opType}`, ...inherited(inner, call) })
    })
    const copies = unchanged.map(([from, to]) =>
      create(NodeProtoSchema, {
        name: `${prefix}/${to}`,
        opType: 'Identity',
        input: [rename(from)],
        output: [to],
        metadataProps: call.metadataProps,
      }),
    )
    return [...nodes, ...copies].flatMap(inner => this.#node(inner, valueInfo))
  }

  /** The call's name, with a number if an inner name would otherwise be taken. */
  #prefixFor(call: NodeProto, fn: FunctionProto): string {
    const base = call.name || call.output.find(name => name !== '') || fn.name
    const inner = [...new Set(namesInNodes(fn.node))]
    let prefix = base
    for (let i = 2; inner.some(name => this.#names.has(`${prefix}/${name}`)); i++) prefix = `${base}_${i}`
    return prefix
  }

  /** Whether the function uses the model's versions of all operator sets. A domain that the model has not imported is added to it. */
  #canInline(fn: FunctionProto): boolean {
    const known = this.#canInlineFunction.get(fn)
    if (known !== undefined) return known
    const fits = fn.opsetImport.every(({ domain, version }) => {
      const own = this.#versions.get(standard(domain))
      return own === undefined || own === version || this.#isLocal(domain)
    })
    if (fits) {
      for (const { domain, version } of fn.opsetImport)
        if (!this.#versions.has(standard(domain))) this.#versions.set(standard(domain), version)
    }
    this.#canInlineFunction.set(fn, fits)
    return fits
  }

  #isLocal(domain: string): boolean {
    return [...this.#functions.values()].some(fn => fn.domain === domain)
  }

  *#calledBy(nodes: readonly NodeProto[]): Iterable<FunctionProto> {
    for (const node of nodes) {
      const fn = this.#functions.get(keyOf(node.domain, node.opType, node.overload))
      if (fn) yield fn
      for (const body of bodiesOf(node)) yield* this.#calledBy(body.node)
    }
  }
}

const standard = (domain: string): string => (domain === 'ai.onnx' ? '' : domain)
const keyOf = (domain: string, name: string, overload: string): string => [standard(domain), name, overload].join('\n')

/** Metadata of the call, such as the exporter's scopes, for an inner node that has none of its own. */
function inherited(inner: NodeProto, call: NodeProto): Partial<NodeProto> {
  const own = new Set(inner.metadataProps.map(({ key }) => key))
  const more = call.metadataProps.filter(({ key }) => !own.has(key))
  return more.length > 0 ? { metadataProps: [...inner.metadataProps, ...more] } : {}
}

/** Replaces references to the function's attributes by the call's value or the function's default; without either the attribute is left out. */
function bindAttributes(node: NodeProto, values: ReadonlyMap<string, AttributeProto>): NodeProto {
  const attribute = node.attribute.flatMap(own => {
    if (own.refAttrName === '') return [own]
    const value = values.get(own.refAttrName)
    // onnxruntime takes an empty reference for a reference, so the bound attribute must not have the field.
    return value ? [withFields(value, { name: own.name })] : []
  })
  const bound = withFields(node, { attribute })
  return withBodies(bound, body => withFields(body, { node: body.node.map(inner => bindAttributes(inner, values)) }))
}

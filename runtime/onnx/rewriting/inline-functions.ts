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
 * The model with every call of a model-local function replaced by the function's nodes, at any depth: what is inside can then be read
 * and written. Inner names get the call's name before them. A function that needs another version of an operator set than the model
 * has stays, as do those it calls. The message given is not changed. @throws InvalidGraphError for a function that calls itself
 */
export function inlineFunctions(proto: ModelProto, calls?: Calls): ModelProto {
  if (proto.functions.length === 0 || !proto.graph) return proto
  return new Inliner(proto).run(calls)
}

/** Functions in whose place onnxruntime runs an operator of its own, of the same name. */
const overridden = new WeakSet<FunctionProto>()

/** From now on the function is no function: onnxruntime has an operator of its name. */
export function markOverridden(fn: FunctionProto): void {
  overridden.add(fn)
}

/** Filled with what stands for a node of the main graph, where that is not the node itself. */
type Calls = Map<NodeProto, readonly NodeProto[]>

class Inliner {
  readonly #proto: ModelProto
  readonly #functions: ReadonlyMap<string, FunctionProto>
  readonly #versions: Map<string, bigint>
  readonly #names: Set<string>
  readonly #open: string[] = []
  readonly #fits = new Map<FunctionProto, boolean>()

  constructor(proto: ModelProto) {
    this.#proto = proto
    const functions = proto.functions.filter(fn => !overridden.has(fn))
    this.#functions = new Map(functions.map(fn => [keyOf(fn.domain, fn.name, fn.overload), fn]))
    this.#versions = new Map(proto.opsetImport.map(({ domain, version }) => [standard(domain), version]))
    this.#names = new Set(namesIn(proto.graph as GraphProto))
  }

  run(calls?: Calls): ModelProto {
    const graph = this.#graph(this.#proto.graph as GraphProto, calls)
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

  /** A graph's calls replaced; what functions say of their values goes into its value_info. */
  #graph(graph: GraphProto, calls?: Calls): GraphProto {
    const valueInfo = [...graph.valueInfo]
    const node = graph.node.flatMap(inner => {
      const nodes = this.#node(inner, valueInfo)
      if (nodes.length !== 1 || nodes[0] !== inner) calls?.set(inner, nodes)
      return nodes
    })
    return withFields(graph, { node, valueInfo })
  }

  #node(node: NodeProto, valueInfo: ValueInfoProto[]): NodeProto[] {
    const whole = withBodies(node, body => this.#graph(body))
    const key = keyOf(node.domain, node.opType, node.overload)
    const fn = this.#functions.get(key)
    if (!fn || !this.#canInline(fn)) return [whole]
    if (this.#open.includes(key)) {
      const circle = [...this.#open.slice(this.#open.indexOf(key)), key].map(name => name.split('\n')[1])
      throw new InvalidGraphError(`The function ${circle.join(' calls ')}: it never ends.`)
    }
    this.#open.push(key)
    try {
      return this.#call(whole, fn, valueInfo)
    } finally {
      this.#open.pop()
    }
  }

  #call(call: NodeProto, fn: FunctionProto, valueInfo: ValueInfoProto[]): NodeProto[] {
    const prefix = this.#prefixFor(call, fn)
    const renamed = new Map<string, string>(fn.input.map((formal, i) => [formal, call.input[i] ?? '']))
    const passed: [from: string, to: string][] = []
    fn.output.forEach((formal, i) => {
      const actual = call.output[i] ?? ''
      if (actual === '') return
      // An input that is given back, or a value that leaves twice, needs a node that gives it its outer name.
      if (renamed.has(formal)) passed.push([formal, actual])
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
    const copies = passed.map(([from, to]) =>
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

  /** The call's name, or one like it that makes all inner names new. */
  #prefixFor(call: NodeProto, fn: FunctionProto): string {
    const base = call.name || call.output.find(name => name !== '') || fn.name
    const inner = [...new Set(namesInNodes(fn.node))]
    let prefix = base
    for (let i = 2; inner.some(name => this.#names.has(`${prefix}/${name}`)); i++) prefix = `${base}_${i}`
    return prefix
  }

  /** Whether its nodes mean the same in the model's operator sets. A domain that the model has not imported is added. */
  #canInline(fn: FunctionProto): boolean {
    const known = this.#fits.get(fn)
    if (known !== undefined) return known
    const fits = fn.opsetImport.every(({ domain, version }) => {
      const own = this.#versions.get(standard(domain))
      return own === undefined || own === version || this.#isLocal(domain)
    })
    if (fits) {
      for (const { domain, version } of fn.opsetImport)
        if (!this.#versions.has(standard(domain))) this.#versions.set(standard(domain), version)
    }
    this.#fits.set(fn, fits)
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

/** Scopes that the exporter noted at the call hold for what is inside, unless that says its own. */
function inherited(inner: NodeProto, call: NodeProto): Partial<NodeProto> {
  const own = new Set(inner.metadataProps.map(({ key }) => key))
  const more = call.metadataProps.filter(({ key }) => !own.has(key))
  return more.length > 0 ? { metadataProps: [...inner.metadataProps, ...more] } : {}
}

/** Attributes that refer to the function's get the call's value, or the function's default, or are left out. */
function bindAttributes(node: NodeProto, values: ReadonlyMap<string, AttributeProto>): NodeProto {
  const attribute = node.attribute.flatMap(own => {
    if (own.refAttrName === '') return [own]
    const value = values.get(own.refAttrName)
    // An empty reference is a reference, to onnxruntime: what is bound must have none.
    return value ? [withFields(value, { name: own.name })] : []
  })
  const bound = withFields(node, { attribute })
  return withBodies(bound, body => withFields(body, { node: body.node.map(inner => bindAttributes(inner, values)) }))
}

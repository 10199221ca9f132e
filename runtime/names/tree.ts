import type { OnnxGraph } from '../onnx/graph/graph.ts'
import type { GraphNode } from '../onnx/graph/node.ts'
import { partsOf } from './innermost.ts'
import type { Parameter } from './parameters/parameter.ts'
import { placeParameters } from './parameters/place.ts'
import { flat, schemeOf } from './schemes/index.ts'
import type { NamingScheme, Placement } from './schemes/scheme.ts'
import { scopesOf } from './scopes.ts'

/** A module of the model, rebuilt from names. */
export interface ModuleNode {
  /** `transformer.h.0.attn`; '' for the model itself. */
  readonly path: string
  readonly name: string
  readonly parent: ModuleNode | undefined
  readonly children: ReadonlyMap<string, ModuleNode>
  /** Modules that are found here under other names than the children's own. */
  readonly aliases: Map<string, ModuleNode>
  /** Indices of the nodes in it and in its descendants, in running order. */
  readonly nodes: readonly number[]
  /** Indices of the nodes that no child contains. */
  readonly own: readonly number[]
  readonly className: string | undefined
  /** Initializers by their name in the module: those that are parameters as stored, and those that parameters are made of. */
  readonly weights: ReadonlyMap<string, string>
  /** Parameters that the file holds in another form, by name: quantised, packed, transposed. */
  readonly parameters: ReadonlyMap<string, Parameter>
  /** Whether the children are numbered, as layers are. */
  readonly isList: boolean
}

interface Draft extends ModuleNode {
  readonly children: Map<string, Draft>
  readonly nodes: number[]
  readonly own: number[]
  readonly weights: Map<string, string>
  readonly parameters: Map<string, Parameter>
  readonly parent: Draft | undefined
  className: string | undefined
}

export class ModuleTree {
  readonly graph: OnnxGraph
  readonly root: ModuleNode
  readonly scheme: string
  readonly #scheme: NamingScheme
  readonly #byPath = new Map<string, Draft>()
  readonly #scopes: Draft[] = []

  constructor(graph: OnnxGraph) {
    this.graph = graph
    const root = draft('', '', undefined)
    this.root = root
    this.#byPath.set('', root)
    const scheme = schemeOf(graph)
    this.scheme = scheme.name
    this.#scheme = scheme
    scopesOf(graph, scheme).forEach(({ path, classes }, index) => {
      const node = graph.nodes[index]
      const module = this.#ensure(root, path, classes)
      this.#scopes.push(module)
      module.own.push(node.index)
      for (let up: Draft | undefined = module; up; up = up.parent) up.nodes.push(node.index)
    })
    placeParameters<Draft>({
      graph,
      hasPaths: scheme !== flat,
      get: path => this.#byPath.get(path),
      ensure: path => this.#ensure(root, path),
      alias: (module, name) => module.aliases.set(name, module),
      scopeOf: index => this.#scopes[index],
    })
  }

  get(path: string): ModuleNode | undefined {
    return this.#byPath.get(path)
  }

  /** All modules, parents first. */
  get modules(): readonly ModuleNode[] {
    return [...this.#byPath.values()]
  }

  /** The innermost module that contains a node. */
  scopeOf(node: GraphNode): ModuleNode {
    return this.#scopes[node.index]
  }

  /** The name and metadata that put a new node, whose own name is `name`, into the module at `path`. */
  placeIn(path: string, name: string): Placement {
    const [sibling] = this.get(path)?.own ?? []
    return this.#scheme.placeIn(partsOf(path), name, sibling === undefined ? undefined : this.graph.nodes[sibling])
  }

  #ensure(root: Draft, path: readonly string[], classes?: readonly (string | undefined)[]): Draft {
    let module = root
    path.forEach((name, depth) => {
      let child = module.children.get(name)
      if (!child) {
        child = draft(module.path === '' ? name : `${module.path}.${name}`, name, module)
        module.children.set(name, child)
        this.#byPath.set(child.path, child)
      }
      child.className ??= classes?.[depth]
      module = child
    })
    return module
  }
}

function draft(path: string, name: string, parent: Draft | undefined): Draft {
  const children = new Map<string, Draft>()
  return {
    path,
    name,
    parent,
    children,
    aliases: new Map(),
    nodes: [],
    own: [],
    className: undefined,
    weights: new Map(),
    parameters: new Map(),
    get isList() {
      return children.size > 0 && [...children.keys()].every(key => /^\d+$/.test(key))
    },
  }
}

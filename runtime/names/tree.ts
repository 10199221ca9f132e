import type { GraphNode, OnnxGraph } from '../onnx/graph.ts'
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
  /** Other names under which modules are found here, beside the children's own. */
  readonly aliases: Map<string, ModuleNode>
  /** Indices of its nodes and of all below, in running order. */
  readonly nodes: readonly number[]
  /** Indices of the nodes in no child. */
  readonly own: readonly number[]
  readonly className: string | undefined
  /** Initializers by parameter name. */
  readonly weights: ReadonlyMap<string, string>
  /** Children are numbered: layers. */
  readonly isList: boolean
}

interface Draft extends ModuleNode {
  readonly children: Map<string, Draft>
  readonly nodes: number[]
  readonly own: number[]
  readonly weights: Map<string, string>
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
    this.#placeWeights(root, scheme !== flat)
  }

  get(path: string): ModuleNode | undefined {
    return this.#byPath.get(path)
  }

  /** All modules, parents first. */
  get modules(): readonly ModuleNode[] {
    return [...this.#byPath.values()]
  }

  /** The innermost module that holds a node. */
  scopeOf(node: GraphNode): ModuleNode {
    return this.#scopes[node.index]
  }

  /** The fields that make a new node, whose own name is `name`, one of the module at `path`. */
  placeIn(path: string, name: string): Placement {
    const [like] = this.get(path)?.own ?? []
    const parts = partsOf(path)
    return this.#scheme.placeIn(parts, name, like === undefined ? undefined : this.graph.nodes[like])
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

  /** By the parameter's own path; else in the innermost module that holds all its readers. */
  #placeWeights(root: Draft, hasPaths: boolean): void {
    for (const name of this.graph.initializers.keys()) {
      if (this.graph.constantNodes.has(name)) continue
      const parts = name.split('.')
      if (hasPaths && parts.length > 1 && parts.every(part => /^\w+$/.test(part)) && this.#byPath.has(parts[0])) {
        this.#ensure(root, parts.slice(0, -1)).weights.set(parts.at(-1)!, name)
        continue
      }
      const readers = this.graph.consumers.get(name) ?? []
      if (readers.length > 0) common(readers.map(node => this.#scopes[node.index])).weights.set(name, name)
    }
  }
}

const partsOf = (path: string): string[] => (path === '' ? [] : path.split('.'))

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
    get isList() {
      return children.size > 0 && [...children.keys()].every(key => /^\d+$/.test(key))
    },
  }
}

function common(modules: readonly Draft[]): Draft {
  let shared = modules[0]
  for (const module of modules) {
    while (module.path !== shared.path && shared.path !== '' && !module.path.startsWith(`${shared.path}.`))
      shared = shared.parent!
  }
  return shared
}

import { AmbiguousTapError, NoTapError } from '../errors/names.ts'
import type { Tap } from '../graph/expression.ts'
import type { GraphNode } from '../onnx/graph/node.ts'
import { derivedValues, readsShapeOnly } from './derived.ts'
import { assertNotFolded, assertOneCall } from './refused-taps.ts'
import type { ModuleNode, ModuleTree } from './tree.ts'

type Direction = Tap['direction']

/** Names that exporters give to inputs which are no activations. */
const SIDE_INPUT = /past|cache|mask|position/i

/** The places where values leave and enter modules, and the way from one module to another. */
export class Taps {
  readonly tree: ModuleTree
  readonly #typeOf: (name: string) => string | undefined
  readonly #derived: ReadonlySet<string>
  /** `#derived`, and what is computed from positions and masks alone. */
  readonly #derivedOrPositional: ReadonlySet<string>
  readonly #taps = new Map<string, Tap>()
  readonly #outputs: ReadonlySet<string>
  readonly #inputs: ReadonlySet<string>
  readonly #main = new Map<string, Tap>()
  /** Values that leave and enter each module, cached. */
  readonly #leavingOf = new Map<ModuleNode, readonly string[]>()
  readonly #enteringOf = new Map<ModuleNode, readonly string[]>()
  readonly #outputTapsOf = new Map<ModuleNode, ReadonlyMap<string, Tap>>()
  readonly #inputTapsOf = new Map<ModuleNode, ReadonlyMap<string, Tap>>()

  /** @param typeOf a value's dtype, if it is known: where several values leave a module, floats are preferred to integers */
  constructor(tree: ModuleTree, typeOf: (name: string) => string | undefined) {
    this.tree = tree
    this.#typeOf = typeOf
    this.#derived = derivedValues(tree.graph)
    this.#derivedOrPositional = derivedValues(tree.graph, true)
    this.#outputs = new Set(tree.graph.outputs.map(({ name }) => name))
    this.#inputs = new Set(tree.graph.inputs.map(({ name }) => name))
  }

  /** The activation that leaves a module. @throws AmbiguousTapError, NoTapError */
  outputTap(module: ModuleNode): Tap {
    return this.#remember(module, 'out', () => {
      const names = this.#leaving(module)
      const label = labelOf(module, 'output')
      if (names.length === 0) throw this.#noTapError(label, module)
      const best = this.#preferred(names, module)
      if (best.length > 1) throw new AmbiguousTapError(label, 'output', best)
      assertOneCall(label, module, this.tree.graph)
      assertNotFolded(label, module, this.tree.graph.producer.get(best[0])?.node)
      return this.#tap(module.path, 'out', best[0], label)
    })
  }

  /** The first activation that enters a module. @throws NoTapError */
  inputTap(module: ModuleNode): Tap {
    return this.#remember(module, 'in', () => {
      const names = this.#entering(module)
      const label = labelOf(module, 'input')
      if (names.length === 0) throw this.#noTapError(label, module)
      assertOneCall(label, module, this.tree.graph)
      const main = names.filter(
        name => !(this.#inputs.has(name) && SIDE_INPUT.test(name)) && !this.#derivedOrPositional.has(name),
      )
      return this.#tap(module.path, 'in', (main.length > 0 ? main : names)[0], label)
    })
  }

  outputTaps(module: ModuleNode): ReadonlyMap<string, Tap> {
    return remembered(this.#outputTapsOf, module, () =>
      this.#tapsByName(module, 'out', 'outputs', this.#leaving(module)),
    )
  }

  inputTaps(module: ModuleNode): ReadonlyMap<string, Tap> {
    return remembered(this.#inputTapsOf, module, () => this.#tapsByName(module, 'in', 'inputs', this.#entering(module)))
  }

  #tapsByName(
    module: ModuleNode,
    direction: Direction,
    side: string,
    names: readonly string[],
  ): ReadonlyMap<string, Tap> {
    const label = labelOf(module, side)
    return new Map(names.map(name => [name, this.#tap(module.path, direction, name, `${label}['${name}']`)]))
  }

  nodeTap(node: GraphNode, direction: Direction, tensor: string): Tap {
    return this.#tap(
      nodeScope(node),
      direction,
      tensor,
      `node('${node.name}').${direction === 'out' ? 'output' : 'input'}`,
    )
  }

  /** The first tap of a value: at the node that makes it, at the model's input, or at the weight. */
  tensorTap(name: string): Tap {
    const produced = this.tree.graph.producer.get(name)
    if (produced) return this.nodeTap(produced.node, 'out', name)
    return this.#inputs.has(name)
      ? this.#tap('', 'in', name, `tensor('${name}')`)
      : this.#tap('weight', 'out', name, `tensor('${name}')`)
  }

  /** The tap of a value at a scope; undefined if the value does not pass there. */
  find(scope: string, direction: Direction, tensor: string): Tap | undefined {
    const { graph } = this.tree
    const isKnown = graph.producer.has(tensor) || this.#inputs.has(tensor) || graph.initializers.has(tensor)
    if (!isKnown || tensor === '') return undefined
    if (scope === 'weight') return graph.initializers.has(tensor) ? this.tensorTap(tensor) : undefined
    const own = /^node:(\d+)$/.exec(scope)
    if (own) {
      const node = graph.nodes[Number(own[1])]
      const names = direction === 'in' ? node?.inputs : node?.outputs
      return names?.includes(tensor) ? this.nodeTap(node, direction, tensor) : undefined
    }
    const module = this.tree.get(scope)
    if (!module) return undefined
    if (scope === '' && direction === 'in' && this.#inputs.has(tensor)) return this.tensorTap(tensor)
    const names = direction === 'in' ? this.#entering(module) : this.#leaving(module)
    return names.includes(tensor) ? this.#tap(scope, direction, tensor) : undefined
  }

  /** All taps that a value crosses on its way to a reader, in order. */
  pathOf(tensor: string, reader: GraphNode | 'output'): Tap[] {
    return this.#path(tensor, reader === 'output' ? [] : this.#scopesAround(reader))
  }

  /** All taps on the way to a tap, that one last. */
  pathTo(tap: Tap): Tap[] {
    const scopes = tap.direction === 'in' ? this.#scopesFrom(tap.scope) : []
    const path = this.#path(tap.tensor, scopes)
    const at = path.indexOf(tap)
    return at < 0 ? [...path, tap] : path.slice(0, at + 1)
  }

  #path(tensor: string, readerScopes: readonly string[]): Tap[] {
    const { graph } = this.tree
    const maker = graph.producer.get(tensor)?.node
    if (!maker && graph.initializers.has(tensor)) {
      return [this.tensorTap(tensor), ...readerScopes.slice(0, 1).map(scope => this.#tap(scope, 'in', tensor))]
    }
    const out = maker ? this.#scopesAround(maker) : []
    const into = [...readerScopes]
    while (out.length > 0 && into.length > 0 && out[out.length - 1] === into[into.length - 1]) {
      out.pop()
      into.pop()
    }
    return [
      ...out.map(scope => this.#tap(scope, 'out', tensor)),
      ...into.reverse().map(scope => this.#tap(scope, 'in', tensor)),
    ]
  }

  /** The scopes that contain a node, innermost first; the node itself is the first. */
  #scopesAround(node: GraphNode): string[] {
    return [nodeScope(node), ...pathsUpwards(this.tree.scopeOf(node))]
  }

  #scopesFrom(scope: string): string[] {
    if (scope.startsWith('node:')) return this.#scopesAround(this.tree.graph.nodes[Number(scope.slice(5))])
    return pathsUpwards(this.tree.get(scope))
  }

  #tap(
    scope: string,
    direction: Direction,
    tensor: string,
    label = `${scope}.${direction === 'out' ? 'output' : 'input'}`,
  ): Tap {
    const key = JSON.stringify([scope, direction, tensor])
    let tap = this.#taps.get(key)
    if (!tap) {
      tap = Object.freeze({ key, label, tensor, direction, scope })
      this.#taps.set(key, tap)
    }
    return tap
  }

  #remember(module: ModuleNode, direction: Direction, find: () => Tap): Tap {
    const key = `${direction} ${module.path}`
    const known = this.#main.get(key)
    if (known) return known
    const tap = find()
    this.#main.set(key, tap)
    return tap
  }

  /** Values made in the module that nodes outside read, for more than their shape, in running order. */
  #leaving(module: ModuleNode): readonly string[] {
    return remembered(this.#leavingOf, module, () => this.#findLeaving(module))
  }

  /** Values made outside that the module's nodes read, by first use: the activations, or if there are none, the derived values. */
  #entering(module: ModuleNode): readonly string[] {
    return remembered(this.#enteringOf, module, () => this.#findEntering(module))
  }

  #findLeaving(module: ModuleNode): string[] {
    const inside = new Set(module.nodes)
    const names: string[] = []
    for (const index of module.nodes) {
      for (const name of this.tree.graph.nodes[index].outputs) {
        if (name !== '' && (this.#outputs.has(name) || this.#readOutside(name, inside))) names.push(name)
      }
    }
    return names
  }

  #readOutside(name: string, inside: ReadonlySet<number>): boolean {
    return (this.tree.graph.consumers.get(name) ?? []).some(node => !inside.has(node.index) && !readsShapeOnly(node))
  }

  #findEntering(module: ModuleNode): string[] {
    const { graph } = this.tree
    const inside = new Set(module.nodes)
    const names = new Set<string>()
    for (const index of module.nodes) {
      const node = graph.nodes[index]
      for (const name of [...node.inputs, ...node.captures]) {
        if (name === '' || graph.initializers.has(name)) continue
        const maker = graph.producer.get(name)?.node
        if (!maker || !inside.has(maker.index)) names.add(name)
      }
    }
    const all = [...names]
    const activations = all.filter(name => !this.#derived.has(name))
    return activations.length > 0 ? activations : all
  }

  /**
   * The values that `output` may mean. Activations are preferred to derived values, then what other modules read to what only the caller
   * reads (caches), then floats to integers.
   */
  #preferred(names: readonly string[], module: ModuleNode): string[] {
    const inside = new Set(module.nodes)
    const isRoot = module.path === ''
    const read = names.filter(name => !isRoot && this.#readOutside(name, inside))
    const isCache = (name: string): boolean => /present|cache/i.test(name) || this.#leadsToCache(name)
    const own = names.filter(name => !isCache(name))
    const groups = [read.filter(name => !isCache(name)), own, names]
    for (const fixed of [this.#derivedOrPositional, this.#derived]) {
      for (const group of groups) {
        const activations = group.filter(name => !fixed.has(name))
        if (activations.length > 0) return this.#floats(activations)
      }
    }
    return this.#floats(read.length > 0 ? read : [...names])
  }

  /** Whether a Cast or Identity hands the value out as a cache. */
  #leadsToCache(name: string): boolean {
    const readers = this.tree.graph.consumers.get(name) ?? []
    const makesCacheOutput = ({ opType, outputs: [output] }: GraphNode): boolean =>
      (opType === 'Cast' || opType === 'Identity') && this.#outputs.has(output) && /present|cache/i.test(output)
    return readers.some(makesCacheOutput)
  }

  #floats(names: string[]): string[] {
    const floats = names.filter(name => this.#typeOf(name)?.includes('float'))
    return floats.length > 0 ? floats : names
  }

  #noTapError(label: string, module: ModuleNode): NoTapError {
    if (module.nodes.length > 0)
      return new NoTapError(label, 'the module has no value on this side', 'print the module to see its nodes')
    const parent = module.parent?.path ?? ''
    return new NoTapError(
      label,
      'the file knows the module’s name, but no node computes it: it was folded, fused, or is in another branch',
      `read a value next to it: console.log(String(model${parent ? `.${parent}` : ''}))`,
    )
  }
}

function remembered<K, V>(known: Map<K, V>, key: K, find: () => V): V {
  const value = known.get(key)
  if (value !== undefined) return value
  const found = find()
  known.set(key, found)
  return found
}

const nodeScope = (node: GraphNode): string => `node:${node.index}`

function labelOf(module: ModuleNode, side: string): string {
  return module.path === '' ? side : `${module.path}.${side}`
}

/** The paths of a module and of all that contain it, innermost first. */
function pathsUpwards(module: ModuleNode | undefined): string[] {
  const paths: string[] = []
  for (let up = module; up; up = up.parent) paths.push(up.path)
  return paths
}

import { OnnsightError } from '../../runtime/errors/error.ts'
import type { Tap } from '../../runtime/graph/expression.ts'
import type { Binding } from '../../runtime/model/modules/binding.ts'
import { findLayers } from '../../runtime/names/layers.ts'
import type { Taps } from '../../runtime/names/taps.ts'
import type { ModuleNode } from '../../runtime/names/tree.ts'

/** The most stages that are shown. */
const MAX_STAGES = 48
/** Fewer modules than this say little, so those inside them are shown. */
const MIN_MODULES = 4

/** A value on the way from the input to the output. */
export interface StagePlace {
  readonly path: string
  readonly node?: string
  readonly name: string
  readonly tap: Tap
}

export interface StagePlaces {
  readonly places: readonly StagePlace[]
  /** How many there are, of which some are left out. */
  readonly of: number
}

/** The outputs of the layers, else of the outermost modules, else of the operations that have weights, else of all operations. */
export function stagesOf(binding: Binding): StagePlaces {
  const { taps } = binding
  const found = findLayers(taps.tree)
  const layers = holdMost(found, taps.tree.root) ? atModules(taps, found) : []
  if (layers.length > 1) return evenly(inOrder(taps, layers))
  let scope = taps.tree.root
  for (let only = onlyChild(scope); only; only = onlyChild(scope)) scope = only
  const modules = atModules(taps, atLeast(MIN_MODULES, computed(scope)))
  if (modules.length > 1) return evenly(inOrder(taps, modules))
  const nodes = atNodes(binding)
  const weighted = nodes.filter(({ hasWeights }) => hasWeights)
  return evenly(weighted.length > 1 ? weighted : nodes)
}

/** Whether layers are what a model is made of, as in a transformer, and no small part of it, as in the decoder of an image. */
const holdMost = (layers: readonly ModuleNode[], root: ModuleNode): boolean =>
  2 * layers.reduce((sum, { nodes }) => sum + nodes.length, 0) >= root.nodes.length

const computed = (module: ModuleNode): ModuleNode[] =>
  [...module.children.values()].filter(child => child.nodes.length > 0)

const onlyChild = (module: ModuleNode): ModuleNode | undefined => {
  const children = computed(module)
  return children.length === 1 ? children[0] : undefined
}

/** The places in the order in which the model computes them. The tree has modules in that of their first nodes, which may be constants. */
function inOrder({ tree: { graph } }: Taps, places: readonly StagePlace[]): StagePlace[] {
  const at = ({ tap }: StagePlace): number => graph.producer.get(tap.tensor)?.node.index ?? 0
  return places.toSorted((a, b) => at(a) - at(b))
}

/** The modules, or those inside them if there are fewer than `count`. */
function atLeast(count: number, modules: readonly ModuleNode[]): readonly ModuleNode[] {
  if (modules.length >= count) return modules
  const inner = modules.flatMap(module => {
    const children = computed(module)
    return children.length > 1 ? children : [module]
  })
  return inner.length > modules.length ? atLeast(count, inner) : modules
}

/** The modules that have one output. */
const atModules = (taps: Taps, modules: readonly ModuleNode[]): StagePlace[] =>
  modules.flatMap(module => {
    try {
      return [{ path: module.path, name: module.path, tap: taps.outputTap(module) }]
    } catch (error) {
      if (error instanceof OnnsightError) return []
      throw error
    }
  })

function atNodes({ taps }: Binding): (StagePlace & { readonly hasWeights: boolean })[] {
  const { nodes, initializers } = taps.tree.graph
  return nodes.flatMap(node => {
    const [output] = node.outputs
    if (!output || node.opType === 'Constant') return []
    return [
      {
        path: taps.tree.scopeOf(node).path,
        node: node.name,
        name: node.name,
        tap: taps.nodeTap(node, 'out', output),
        hasWeights:
          node.opType !== 'Gather' && node.inputs.some(input => (initializers.get(input)?.dims.length ?? 0) > 1),
      },
    ]
  })
}

/** At most as many as can be shown, with the first one and the last one. */
function evenly(places: readonly StagePlace[]): StagePlaces {
  const of = places.length
  if (of <= MAX_STAGES) return { places, of }
  const step = (of - 1) / (MAX_STAGES - 1)
  return { places: Array.from({ length: MAX_STAGES }, (_, i) => places[Math.round(i * step)]), of }
}

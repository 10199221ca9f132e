import type { ModuleNode, ModuleTree } from './tree.ts'

/** The fewest nodes that the children of a list have on average, if they are layers. */
const LEAST_NODES = 8

/** The model's repeated layers, in running order: the children of every outermost numbered list whose layers are large enough. */
export function findLayers(tree: ModuleTree): ModuleNode[] {
  const layers: ModuleNode[] = []
  const search = (module: ModuleNode): void => {
    const computed = [...module.children.values()].filter(child => child.nodes.length > 0)
    const nodes = computed.reduce((sum, child) => sum + child.nodes.length, 0)
    if (module.isList && computed.length > 1 && nodes / computed.length >= LEAST_NODES) layers.push(...computed)
    else for (const child of computed) search(child)
  }
  search(tree.root)
  // Exporters write constants of later layers first, so the node in the middle tells when a layer runs.
  const at = ({ nodes }: ModuleNode): number => nodes[nodes.length >> 1]
  return layers.sort((a, b) => at(a) - at(b))
}

import type { Tensor } from '../../runtime/index.ts'
import type { Binding } from '../../runtime/model/modules/binding.ts'
import type { ModuleNode } from '../../runtime/names/tree.ts'
import { dimsOf } from '../../runtime/tensor/tensor.ts'
import type { Pattern } from '../protocol/api.ts'

/** Finds the attention patterns of a module: the outputs of Softmax that have a row and a column for each token. */
export function patternsIn(
  binding: Binding,
  module: ModuleNode,
  tokens: number | undefined,
): { pattern: Pattern; tensor: Tensor }[] {
  const { taps } = binding
  const { graph } = taps.tree
  return module.nodes.flatMap(index => {
    const node = graph.nodes[index]
    if (node.opType !== 'Softmax' || node.domain !== '') return []
    const tensor = binding.read(taps.nodeTap(node, 'out', node.outputs[0]))
    const dims = dimsOf(tensor)
    if (!dims || dims.length < 3 || dims.length > 4 || dims.includes(undefined)) return []
    const [rows, columns] = dims.slice(-2) as number[]
    if (rows !== columns || rows < 2 || (tokens !== undefined && rows !== tokens)) return []
    const pattern = {
      node: node.name,
      module: taps.tree.scopeOf(node).path,
      rows: dims.length === 4 ? (dims[0] as number) : 1,
      heads: dims.at(-3) as number,
      tokens: rows,
    }
    return [{ pattern, tensor }]
  })
}

/** The patterns of all heads for a row of the batch, or for its last row if it has fewer. */
export function headsOf(tensor: Tensor, row: number): Tensor {
  return tensor.dims.length === 4 ? tensor.select(0, Math.min(row, (tensor.dims[0] as number) - 1)) : tensor
}

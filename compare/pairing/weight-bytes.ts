import type { ModuleNode } from '../../runtime/names/tree.ts'
import type { Side } from '../side.ts'

/** The bytes of the tensors that a module's parameters are stored in. */
export function weightBytes({ graph }: Side, module: ModuleNode | undefined): number {
  if (!module) return 0
  const names = new Set([
    ...module.weights.values(),
    ...[...module.parameters.values()].flatMap(({ stored }) => stored),
  ])
  return [...names].reduce((sum, name) => {
    const tensor = graph.initializers.get(name)
    const bits = tensor === undefined ? 0 : (BITS[tensor.dataType] ?? 32)
    return sum + Math.ceil((tensor?.dims.reduce((size, dim) => size * Number(dim), 1) ?? 0) * bits) / 8
  }, 0)
}

/** Bits of an element, by ONNX's number of its type. */
const BITS: Readonly<Record<number, number>> = {
  2: 8,
  3: 8,
  4: 16,
  5: 16,
  7: 64,
  10: 16,
  11: 64,
  16: 16,
  21: 4,
  22: 4,
}

import type { Expression, Value } from '../../graph/expression.ts'

/** The values that a computed value begins from, without what flows back to a place. */
export function leavesOf(value: Value): Value[] {
  const found: Value[] = []
  const seen = new Set<Expression>()
  const open = [value]
  for (let next = open.pop(); next; next = open.pop()) {
    const { expression } = next
    if (expression.kind !== 'operation') {
      if (expression.kind !== 'incoming') found.push(next)
      continue
    }
    if (seen.has(expression)) continue
    seen.add(expression)
    for (const input of expression.inputs) if (input) open.push(input)
  }
  return found
}

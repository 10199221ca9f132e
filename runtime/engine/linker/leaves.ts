import { type Expression, inputsOf, type TapRead, type Value } from '../../graph/expression.ts'

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

/** The reads that a recorded value is computed from. */
export function readsBehind(value: Value): TapRead[] {
  const found = new Set<TapRead>()
  const seen = new Set<Expression>()
  const open: Expression[] = [value.expression]
  while (open.length > 0) {
    const expression = open.pop()!
    if (seen.has(expression)) continue
    seen.add(expression)
    if (expression.kind === 'read') found.add(expression)
    for (const input of inputsOf(expression)) if (input) open.push(input.expression)
  }
  return [...found]
}

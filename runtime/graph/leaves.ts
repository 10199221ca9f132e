import { type Expression, inputsOf, type Operation, type TapRead, type Value } from './expression.ts'

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

/**
 * The operations that a value is computed from, producers first, without those that are `known` and what is before them. The stack is
 * explicit, because a chain of operations may have any length.
 */
export function operationsBehind(
  { expression }: Value,
  known: { has(expression: Expression): boolean } = new Set(),
): Operation[] {
  const found = new Set<Operation>()
  const isMissing = (next: Expression): next is Operation =>
    next.kind === 'operation' && !known.has(next) && !found.has(next)
  const open = [expression]
  for (let top = open.at(-1); top; top = open.at(-1)) {
    const before = isMissing(top) ? top.inputs.find(input => input && isMissing(input.expression)) : undefined
    if (before) open.push(before.expression)
    else {
      open.pop()
      if (isMissing(top)) found.add(top)
    }
  }
  return [...found]
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

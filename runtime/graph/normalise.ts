import type { TensorData } from '../tensor/dtypes/data.ts'
import { tensorKey } from './elements-key.ts'
import { type Expression, inputsOf, type Recording, type Value } from './expression.ts'

/**
 * A recording with its operands' values taken out. Recordings with the same key have the same plan, and differ in `operands` only; a run
 * feeds operand i with `operands[i]`.
 */
export interface NormalForm {
  readonly key: string
  readonly operands: readonly TensorData[]
  /** Every expression, inputs before readers. The index is the expression's number in the key. */
  readonly order: readonly Expression[]
  /** The number of each expression, and the index of each operand in `operands`. Two operands may have the same data. */
  readonly numbers: ReadonlyMap<Expression, number>
  readonly operandNumbers: ReadonlyMap<Expression, number>
}

export function normalise(recording: Recording): NormalForm {
  const numbers = new Map<Expression, number>()
  const operandNumbers = new Map<Expression, number>()
  const order: Expression[] = []
  const operands: TensorData[] = []
  let key = ''

  // The stack is explicit, because a user's loop may record a chain of any length.
  const number = (expression: Expression): number => {
    const pending = [expression]
    for (let next = pending.at(-1); next; next = pending.at(-1)) {
      const before = inputsOf(next).find(input => input && !numbers.has(input.expression))
      if (before) {
        pending.push(before.expression)
        continue
      }
      pending.pop()
      if (numbers.has(next)) continue
      const part = signature(next)
      const own = order.length
      numbers.set(next, own)
      order.push(next)
      key += `${own}=${part};`
    }
    return numbers.get(expression)!
  }

  const reference = (value: Value | undefined): string => {
    if (!value) return '_'
    const own = numbers.get(value.expression) ?? number(value.expression)
    return value.output === 0 ? String(own) : `${own}.${value.output}`
  }

  const signature = (expression: Expression): string => {
    switch (expression.kind) {
      case 'operand':
        operandNumbers.set(expression, operands.length)
        operands.push(expression.data)
        return `$${expression.data.type}`
      case 'constant':
        return `#${tensorKey(expression.data)}`
      case 'read':
        return `<${expression.tap.key}@${expression.writes}`
      case 'application':
        return `(${expression.from.key}>${expression.to.key} ${reference(expression.input)})`
      case 'operation': {
        let inputs = ''
        for (const input of expression.inputs) inputs += ` ${reference(input)}`
        return expression.signature + inputs
      }
      case 'gradient': {
        const { of, at, seed } = expression
        return `gradient ${reference(of)} ${reference(seed)} at ${at.map(reference).join(' ')}`
      }
      case 'incoming':
        return 'incoming'
      case 'hook':
        return `hook ${inputsOf(expression).map(reference).join(' ')}`
      case 'linked':
        throw new Error('A value of a linked graph is no part of a recording.')
    }
  }

  for (const [tap, writes] of recording.writes) {
    const values = writes.map(write => reference(write.value))
    key += `${tap.key}<-${values.join(',')};`
  }
  const wanted = recording.wanted.map(reference)
  key += `?${wanted.join(',')}`
  // The rules of gradients depend on ranks. Those of operands are not known from the model, so they are part of the key.
  if (order.some(({ kind }) => kind === 'gradient')) key += `!dims ${operands.map(({ dims }) => `[${dims}]`).join('')}`
  if (recording.recomputes) key += '!recomputes'
  return { key, operands, order, numbers, operandNumbers: operandNumbers }
}

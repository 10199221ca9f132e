import type { Expression } from '../../graph/expression.ts'
import type { NormalForm } from '../../graph/normalise.ts'

/** A recording's normal form, to which the linker adds expressions after the recorded ones. */
export class GrowingForm implements NormalForm {
  readonly key: string
  readonly operands: NormalForm['operands']
  readonly operandNumbers: NormalForm['operandNumbers']
  readonly #order: Expression[]
  readonly #numbers: Map<Expression, number>

  constructor({ key, operands, operandNumbers, order, numbers }: NormalForm) {
    this.key = key
    this.operands = operands
    this.operandNumbers = operandNumbers
    this.#order = [...order]
    this.#numbers = new Map(numbers)
  }

  get order(): readonly Expression[] {
    return this.#order
  }

  get numbers(): ReadonlyMap<Expression, number> {
    return this.#numbers
  }

  /** Returns the expression's number. If it has none yet, it gets the next one. */
  add(expression: Expression): number {
    const known = this.#numbers.get(expression)
    if (known !== undefined) return known
    const number = this.#order.length
    this.#order.push(expression)
    this.#numbers.set(expression, number)
    return number
  }
}

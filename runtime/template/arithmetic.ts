import { operatorNames } from '../../language/operators.ts'
import type { BinaryOperator, UnaryOperator } from '../../language/template/ast.ts'
import { operators } from '../tensor/operators.ts'
import { stateOf, Tensor } from '../tensor/tensor.ts'
import type { TensorLike } from '../tensor/values/convert.ts'
import { toTensor } from '../tensor/values/convert.ts'
import { TemplateProblem } from './problem.ts'

type Plain = number | bigint | boolean

/** Whether a value is a number or a bool, which is no tensor but can be used as one. */
export const isScalar = (value: unknown): value is Plain => /^(number|bigint|boolean)$/.test(typeof value)

/** Applies an operator. Two numbers give a number, as in Python; otherwise, the result is a tensor. */
export function binary(operator: BinaryOperator, left: unknown, right: unknown): unknown {
  if (isScalar(left) && isScalar(right)) return onNumbers(operator, Number(left), Number(right))
  if (operator === '@') return asTensor(operator, left).matmul(asTensor(operator, right))
  const [a, b] = [operandOf(operator, left), operandOf(operator, right)]
  switch (operator) {
    case '//':
      return (a instanceof Tensor ? a : toTensor(a)).floorDivide(b)
    case '&':
    case '|':
    case '^':
      return logical(operator, a, b)
    default:
      return operators[names[operator]](a, b)
  }
}

export function unary(operator: UnaryOperator, operand: unknown): unknown {
  if (typeof operand === 'boolean' && operator === '~') return !operand
  if (isScalar(operand)) {
    if (operator === '~') throw new TemplateProblem('~ was used on a number', '~ is for bools: ~(h > 0)')
    return operator === '-' ? -Number(operand) : Number(operand)
  }
  const tensor = asTensor(operator, operand)
  if (operator === '-') return tensor.neg()
  if (operator === '+') return tensor
  return assertBool('~', tensor).not()
}

const names = { ...operatorNames, '==': 'eq', '!=': 'ne' } as const

function onNumbers(operator: BinaryOperator, a: number, b: number): number | boolean {
  switch (operator) {
    case '//':
      return Math.floor(a / b)
    case '%':
      return a - Math.floor(a / b) * b
    case '&':
      return Boolean(a) && Boolean(b)
    case '|':
      return Boolean(a) || Boolean(b)
    case '^':
      return Boolean(a) !== Boolean(b)
    case '@':
      throw new TemplateProblem('@ was used on numbers', '@ multiplies matrices: write * for numbers')
    default:
      return operators[names[operator]](a, b) as number | boolean
  }
}

function logical(operator: '&' | '|' | '^', a: Operand, b: Operand): Tensor {
  const [left, right] = [a, b].map(side => assertBool(operator, toTensor(side)))
  return operator === '&' ? left.and(right) : operator === '|' ? left.or(right) : left.xor(right)
}

function assertBool(operator: string, tensor: Tensor): Tensor {
  if (tensor.type === 'bool') return tensor
  throw new TemplateProblem(
    `${operator} was used on ${tensor.type} values`,
    `${operator} is for bools: ${operator === '~' ? '~(h > 0)' : `(a > 0) ${operator} (b > 0)`}`,
  )
}

type Operand = Tensor | Plain

function operandOf(operator: string, value: unknown): Operand {
  return isScalar(value) ? value : asTensor(operator, value)
}

/** @throws TemplateProblem for a value that is no tensor and can't become one */
export function asTensor(operator: string, value: unknown): Tensor {
  if (value instanceof Tensor) return value
  if (isScalar(value) || Array.isArray(value) || ArrayBuffer.isView(value)) return toTensor(value as TensorLike)
  throw new TemplateProblem(
    `${operator} was used on ${describe(value)}`,
    typeof value === 'function' ? 'use its .output or .input' : 'use a tensor, a number or a list of numbers',
  )
}

export function describe(value: unknown): string {
  if (value === null || value === undefined) return 'None'
  if (typeof value === 'function') return 'a module'
  if (typeof value === 'string') return `the text ${JSON.stringify(value)}`
  if (value instanceof Tensor) return stateOf(value).label
  return Array.isArray(value) ? 'a list' : isScalar(value) ? String(value) : 'an object'
}

import { ArgumentError, ShapeError, showDims } from '../../errors/tensor.ts'
import type { Dim, Dims } from '../../graph/expression.ts'
import { expect } from '../arguments/check-arguments.ts'
import { currentPosition } from '../current-position.ts'
import { dimsOf, recordOne, stateOf, type Tensor } from '../tensor.ts'
import { type TensorLike, toTensor } from '../values/convert.ts'
import { int64Constant } from '../values/int64.ts'
import { broadcastDims, promoteTypes } from '../values/promote.ts'
import { arithmetic, castTo } from './support/kernel.ts'

/**
 * Sums products of tensors by an equation in Einstein's notation: `einsum('bhqk,bhkd->bhqd', pattern, v)`. The result has the dims of the
 * letters after the arrow.
 * @throws ShapeError if a letter stands for different dims; ArgumentError for an equation that can't be read
 */
export function einsum(equation: string, ...operands: TensorLike[]): Tensor {
  expect('einsum', equation, ...operands)
  if (operands.length === 0)
    throw new ArgumentError(
      `einsum: '${equation}' was given no tensors.`,
      currentPosition(),
      "write einsum('ij,jk->ik', a, b)",
    )
  const tensors = operands.map(operand => toTensor(operand))
  const { inputs, output } = parse(equation, tensors.length)
  const dims = resultDims(
    inputs,
    output,
    tensors.map(tensor => dimsOf(tensor)),
    equation,
  )
  const type = tensors.map(tensor => tensor.type).reduce(promoteTypes)
  const aligned = alignBatches(inputs, tensors)
  const text = `${inputs.join(',')}->${output}`
  return arithmetic(
    'Einsum',
    aligned.map(tensor => castTo(tensor, type)),
    dims,
    { equation: { string: text } },
  )
}

function parse(equation: string, count: number): { inputs: string[]; output: string } {
  const fail = (why: string): never => {
    throw new ArgumentError(`einsum: '${equation}' ${why}.`, currentPosition(), "write it as 'ij,jk->ik'")
  }
  const [left, right, ...more] = equation.replace(/\s/g, '').split('->')
  if (more.length > 0) fail('has more than one ->')
  const inputs = left.split(',')
  for (const term of [...inputs, right ?? '']) {
    if (!/^[a-zA-Z]*(\.\.\.)?[a-zA-Z]*$/.test(term))
      fail(`has the term '${term}', which is not letters and at most one ...`)
  }
  if (inputs.length !== count) fail(`names ${inputs.length} operands, and there are ${count}`)
  const output = right ?? implicitOutput(inputs)
  const letters = output.replace('...', '')
  if (new Set(letters).size !== letters.length) fail('has a letter twice in its result')
  for (const letter of letters) if (!left.includes(letter)) fail(`has '${letter}' in its result alone`)
  return { inputs, output }
}

/** Adds axes of size 1, so that `...` stands for equally many axes in every operand. */
function alignBatches(inputs: readonly string[], tensors: readonly Tensor[]): Tensor[] {
  const ranks = inputs.map((term, i) =>
    term.includes('...') ? (dimsOf(tensors[i])?.length ?? 0) - (term.length - 3) : 0,
  )
  const most = Math.max(0, ...ranks)
  return tensors.map((tensor, i) => {
    const { dims } = stateOf(tensor).value
    const missing = most - ranks[i]
    if (!inputs[i].includes('...') || !dims || missing === 0) return tensor
    const at = inputs[i].indexOf('.')
    const axes = Array.from({ length: missing }, (_, axis) => at + axis)
    const result = { type: tensor.type, dims: [...dims.slice(0, at), ...axes.map(() => 1), ...dims.slice(at)] }
    return recordOne('Unsqueeze', [tensor, int64Constant(axes)], result)
  })
}

/** Returns the output of an equation without an arrow: the letters that occur once, in alphabetical order. */
function implicitOutput(inputs: readonly string[]): string {
  const letters = inputs.join('').replaceAll('.', '')
  const singleLetters = [...new Set(letters)].filter(letter => letters.split(letter).length === 2)
  return (inputs.some(term => term.includes('...')) ? '...' : '') + singleLetters.sort().join('')
}

function resultDims(
  inputs: readonly string[],
  output: string,
  shapes: readonly (Dims | undefined)[],
  equation: string,
): Dims | undefined {
  if (shapes.some(dims => !dims)) return undefined
  const sizes = new Map<string, Dim>()
  const batches: Dims[] = []
  inputs.forEach((term, i) => {
    const dims = shapes[i]!
    const [head, tail] = term.split('...')
    const named = head.length + (tail?.length ?? 0)
    if (tail === undefined ? dims.length !== named : dims.length < named) {
      throw new ShapeError(`einsum: ${showDims(dims)} is not '${term}'`, currentPosition())
    }
    const at = (letter: string, dim: Dim): void => {
      const known = sizes.get(letter)
      if (known !== undefined && dim !== undefined && known !== dim && known !== 1 && dim !== 1) {
        throw new ShapeError(`einsum: '${letter}' of '${equation}' is both ${known} and ${dim}`, currentPosition())
      }
      // A size of 1 broadcasts, and an unknown size may turn out to be 1.
      if (!sizes.has(letter) || known === 1 || (known === undefined && dim !== 1)) sizes.set(letter, dim)
    }
    for (const [axis, letter] of [...head].entries()) at(letter, dims[axis])
    if (tail === undefined) return
    for (const [axis, letter] of [...tail].entries()) at(letter, dims[dims.length - tail.length + axis])
    batches.push(dims.slice(head.length, dims.length - tail.length))
  })
  const batch = batches.length > 0 ? broadcastDims('einsum', ...batches)! : []
  const [head, tail] = output.split('...')
  return [
    ...[...head].map(l => sizes.get(l)),
    ...(tail === undefined ? [] : batch),
    ...[...(tail ?? '')].map(l => sizes.get(l)),
  ]
}

import type { Dims } from '../../graph/expression.ts'
import type { NodeProto } from '../../onnx/schema/onnx_pb.ts'

export function attributeText(node: NodeProto, name: string): string {
  const attribute = node.attribute.find(item => item.name === name)
  return attribute ? new TextDecoder().decode(attribute.s) : ''
}

/** Letters that stand for the axes of an ellipsis, which no equation can have. */
const ELLIPSIS = '0123456789'

/** Elements of each result between two operands, which onnxruntime multiplies from left to right, and the multiplications of all. */
export function einsumSizes(
  equation: string,
  inputs: readonly (Dims | undefined)[],
): { readonly results: readonly number[]; readonly work: number } {
  const [left, right] = equation.replaceAll(' ', '').split('->')
  const sizes = new Map<string, number>()
  const terms = left.split(',').map((term, i) => {
    const dims = inputs[i] ?? []
    const letters = [
      ...term.replace('...', ELLIPSIS.slice(0, Math.max(0, dims.length - term.replace('...', '').length))),
    ]
    for (const [axis, letter] of letters.entries()) sizes.set(letter, Math.max(sizes.get(letter) ?? 1, dims[axis] ?? 1))
    return letters
  })
  const counted = terms.flat()
  const output = new Set(
    right === undefined
      ? counted.filter(letter => counted.indexOf(letter) === counted.lastIndexOf(letter))
      : [...right.replace('...', ELLIPSIS)],
  )
  const elements = (letters: Iterable<string>): number => {
    let all = 1
    for (const letter of letters) all *= sizes.get(letter) ?? 1
    return all
  }
  const results: number[] = []
  let work = 0
  let held = new Set(terms[0])
  for (let i = 1; i < terms.length; i++) {
    const joined = new Set([...held, ...terms[i]])
    work += elements(joined)
    const later = new Set(terms.slice(i + 1).flat())
    held = new Set([...joined].filter(letter => output.has(letter) || later.has(letter)))
    results.push(elements(held))
  }
  return { results, work: work + elements(new Set(terms[0])) }
}

import { dimsOf, recordOne, type Tensor } from '../../tensor/tensor.ts'
import { int64Constant } from '../../tensor/values/int64.ts'
import { type ForwardNode, type ForwardValue, gradientOf, inputOf, type Rule } from '../forward-node.ts'
import { expandedLike, summed } from '../shapes.ts'

/** Letters that stand for the axes of `...`; an equation hardly has others than small ones. */
const BATCH = 'ZYXWVUTSRQPONMLKJIHGFEDCBA'

interface Equation {
  /** The letters of each input's axes. */
  readonly inputs: readonly string[]
  readonly output: string
}

/** The equation with a letter for each axis, as its inputs have them. Undefined if ranks are missing, or an input has a letter twice. */
function equationOf({ attributes, inputs }: ForwardNode): Equation | undefined {
  const [left, right] = attributes.text('equation').replace(/\s/g, '').split('->')
  const terms = left.split(',')
  const free = [...BATCH].filter(letter => !left.includes(letter))
  const ranks = inputs.map(input => input && dimsOf(input.tensor)?.length)
  const batches = terms.map((term, i) => (term.includes('...') ? (ranks[i] ?? Number.NaN) - (term.length - 3) : 0))
  const most = Math.max(...batches)
  if (Number.isNaN(most) || most > free.length) return undefined
  const batch = (count: number): string => free.slice(0, count).reverse().join('')
  const letters = terms.map((term, i) => term.replace('...', batch(batches[i])))
  if (letters.some(each => new Set(each).size < each.length)) return undefined
  return { inputs: letters, output: (right ?? implicitOutput(left)).replace('...', batch(most)) }
}

/** Without an arrow the result has the letters that occur once, in alphabetical order. */
function implicitOutput(left: string): string {
  const all = left.replaceAll(/[,.]/g, '')
  const once = [...all].filter(letter => all.indexOf(letter) === all.lastIndexOf(letter)).sort()
  return (left.includes('...') ? '...' : '') + once.join('')
}

/** The gradient of an input is an Einsum of ∂y with the other inputs. Letters that it alone has were summed, so its axis repeats the sum. */
export const einsum: Rule = node => {
  const equation = equationOf(node)
  if (!equation) return []
  return node.inputs.map((_, i) => () => inputGradient(node, equation, i))
}

function inputGradient(node: ForwardNode, { inputs, output }: Equation, index: number): Tensor {
  const gradient = gradientOf(node)
  const others = inputs.flatMap((letters, i) => (i === index ? [] : [{ letters, tensor: inputOf(node, i) }]))
  const own = [...inputs[index]]
  const known = [output, ...others.map(({ letters }) => letters)].join('')
  const found = own.filter(letter => known.includes(letter))
  const text = `${[output, ...others.map(({ letters }) => letters)].join(',')}->${found.join('')}`
  const dims = found.map(() => undefined)
  let result = recordOne(
    'Einsum',
    [gradient, ...others.map(({ tensor }) => tensor)],
    { type: gradient.type, dims },
    {
      equation: { string: text },
    },
  )
  const { tensor, named } = node.inputs[index] as ForwardValue
  const missing = own.flatMap((letter, axis) => (found.includes(letter) ? [] : [axis]))
  if (missing.length > 0) {
    const raised = own.map((_, axis) => (missing.includes(axis) ? 1 : undefined))
    result = recordOne('Unsqueeze', [result, int64Constant(missing)], { type: gradient.type, dims: raised })
    result = expandedLike(result, tensor)
  }
  const hasBatch = own.some(letter => !node.attributes.text('equation').includes(letter))
  return hasBatch ? summed(result, undefined, { tensor, named }) : result
}

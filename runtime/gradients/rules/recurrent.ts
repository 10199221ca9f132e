import type { Dims } from '../../graph/expression.ts'
import { where } from '../../tensor/ops/comparison.ts'
import { cat, stack } from '../../tensor/ops/join.ts'
import { dimsOf, record, recordOne, type Tensor } from '../../tensor/tensor.ts'
import { int64Constant } from '../../tensor/values/int64.ts'
import { type ForwardNode, inputOf, type Rule } from '../forward-node.ts'
import { scan } from '../scan.ts'
import { summedOver, zerosLike } from '../shapes.ts'
import { asRows, product } from './product.ts'

/**
 * One step of a recurrent network. `x` is the step's input times W, and `h` the output before times R, each with its bias and with the gates
 * side by side. All are [batch, gates · hidden] or [batch, hidden].
 */
interface Cell {
  readonly gates: number
  /** The values that are carried from step to step, of which the first is the output. */
  readonly states: number
  /** The states after the step, and what `back` needs of it. */
  step(x: Tensor, h: Tensor, states: readonly Tensor[]): { states: readonly Tensor[]; kept: readonly Tensor[] }
  /** From the gradients of the states after the step: those of `x`, of `h`, and of the states before, beside the way through `h`. */
  back(
    gradients: readonly Tensor[],
    kept: readonly Tensor[],
    before: readonly Tensor[],
  ): { x: Tensor; h: Tensor; before: readonly (Tensor | undefined)[] }
}

const oneMinus = (x: Tensor): Tensor => x.rsub(1)
/** The derivative of a sigmoid from its value. */
const slope = (y: Tensor): Tensor => y.mul(oneMinus(y))
/** The derivative of tanh from its value. */
const flatness = (y: Tensor): Tensor => oneMinus(y.mul(y))

/** Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000: c' = f·c + i·g and h' = o·tanh c'. */
const LSTM: Cell = {
  gates: 4,
  states: 2,
  step(x, h, [, c]) {
    const [a, b, d, e] = parts(x.add(h), 4)
    const [i, o, f, g] = [a.sigmoid(), b.sigmoid(), d.sigmoid(), e.tanh()]
    const after = f.mul(c).add(i.mul(g))
    const t = after.tanh()
    return { states: [o.mul(t), after], kept: [i, o, f, g, t] }
  },
  back([dh, dAfter], [i, o, f, g, t], [, c]) {
    const dc = dAfter.add(dh.mul(o).mul(flatness(t)))
    const x = cat(
      [dc.mul(g).mul(slope(i)), dh.mul(t).mul(slope(o)), dc.mul(c).mul(slope(f)), dc.mul(i).mul(flatness(g))],
      -1,
    )
    return { x, h: x, before: [undefined, dc.mul(f)] }
  },
}

/** Cho et al. 2014, with the reset gate after the product, as PyTorch and Keras have it: n = tanh(x + r·h) and h' = (1 − z)·n + z·h. */
const GRU: Cell = {
  gates: 3,
  states: 1,
  step(x, h, [before]) {
    const [[xz, xr, xn], [hz, hr, hn]] = [parts(x, 3), parts(h, 3)]
    const [z, r] = [xz.add(hz).sigmoid(), xr.add(hr).sigmoid()]
    const n = xn.add(r.mul(hn)).tanh()
    return { states: [oneMinus(z).mul(n).add(z.mul(before))], kept: [z, r, n, hn] }
  },
  back([dh], [z, r, n, hn], [before]) {
    const dn = dh.mul(oneMinus(z)).mul(flatness(n))
    const dz = dh.mul(before.sub(n)).mul(slope(z))
    const dr = dn.mul(hn).mul(slope(r))
    return { x: cat([dz, dr, dn], -1), h: cat([dz, dr, dn.mul(r)], -1), before: [dh.mul(z)] }
  },
}

/** Elman 1990: h' = tanh(x + h), or the same with ReLU. */
const RNN = (activation: string): Cell => ({
  gates: 1,
  states: 1,
  step(x, h) {
    const sum = x.add(h)
    const y = activation === 'Relu' ? sum.relu() : sum.tanh()
    return { states: [y], kept: [y] }
  },
  back([dh], [y]) {
    const x = activation === 'Relu' ? where(y.gt(0), dh, 0) : dh.mul(flatness(y))
    return { x, h: x, before: [undefined] }
  },
})

/** Equal parts along the last axis. */
function parts(tensor: Tensor, count: number): Tensor[] {
  const dims = dimsOf(tensor)!
  const size = dims.at(-1)! / count
  const result = { type: tensor.type, dims: [...dims.slice(0, -1), size] }
  const sizes = int64Constant(new Array<number>(count).fill(size))
  return record('Split', [tensor, sizes], new Array<typeof result>(count).fill(result), { axis: { int: -1 } })
}

/** The slice at an index of an axis, without the axis, with these dims. */
function at(tensor: Tensor, index: number, axis: number, dims: Dims): Tensor {
  return recordOne('Gather', [tensor, int64Constant([index], [])], { type: tensor.type, dims }, { axis: { int: axis } })
}

/** Aᵀ·B of all rows of both: the gradient of a matrix that B is multiplied with. */
const overRows = (a: Tensor, b: Tensor): Tensor =>
  product(asRows(a), asRows(b), { transposesA: true }, [dimsOf(a)?.at(-1), dimsOf(b)?.at(-1)])

interface Direction {
  readonly x: Tensor
  readonly w: Tensor
  readonly r: Tensor
  readonly bias: Tensor | undefined
  readonly initial: readonly Tensor[]
}

/** Backward through time in one direction: runs forward once more to keep what each step made, and then back. */
function direction(node: ForwardNode, cell: Cell, index: number, isReversed: boolean): Direction {
  const hidden = node.attributes.int('hidden_size', 0)
  const width = cell.gates * hidden
  const x = inputOf(node, 0)
  const [steps, batch, features] = dimsOf(x) ?? [undefined, undefined, undefined]
  const w = at(inputOf(node, 1), index, 0, [width, features])
  const r = at(inputOf(node, 2), index, 0, [width, hidden])
  const bias = node.inputs[3] && at(inputOf(node, 3), index, 0, [2 * width])
  const [bw, br] = bias ? parts(bias, 2) : []
  const plain = product(x, w, { transposesB: true }, [steps, batch, width])
  const projected = bw ? plain.add(bw) : plain
  const zeros = zerosLike(parts(at(projected, 0, 0, [batch, width]), cell.gates)[0])
  const state = (tensor: Tensor | undefined): Tensor => (tensor ? at(tensor, index, 0, [batch, hidden]) : zeros)
  const initial = Array.from({ length: cell.states }, (_, i) => state(node.inputs[5 + i]?.tensor))
  const forward = scan(
    { states: initial, rows: [projected], shared: br ? [r, br] : [r], isReversed },
    (states, [row], [r, br]) => {
      const h = product(states[0], r, { transposesB: true }, [batch, width])
      const { states: after, kept } = cell.step(row, br ? h.add(br) : h, states)
      return { states: after, kept: [...states, ...kept] }
    },
  ).kept
  const [y] = node.gradients
  const { states, kept } = scan(
    {
      // Gradients of the last states, which are outputs of the node after all steps' outputs.
      states: Array.from({ length: cell.states }, (_, i) => state(node.gradients[1 + i])),
      rows: [y ? at(y, index, 1, [steps, batch, hidden]) : zerosLike(forward[0]), ...forward],
      shared: [r],
      isReversed: !isReversed,
    },
    ([dh, ...others], [dy, ...made], [r]) => {
      const back = cell.back([dh.add(dy), ...others], made.slice(cell.states), made.slice(0, cell.states))
      const through = product(back.h, r, {}, [batch, hidden])
      const before = back.before.map((each, i) => (i > 0 ? each! : each ? each.add(through) : through))
      return { states: before, kept: [back.x, back.h] }
    },
  )
  const [dx, dh] = kept
  return {
    x: product(dx, w, {}, dimsOf(x)),
    w: overRows(dx, x),
    r: overRows(dh, forward[0]),
    bias: bias && cat([summedOver(dx, [0, 1], false), summedOver(dh, [0, 1], false)], 0),
    initial: states,
  }
}

const DEFAULTS: Readonly<Record<string, string>> = { LSTM: 'Sigmoid,Tanh,Tanh', GRU: 'Sigmoid,Tanh' }

/** @throws for a form of the operator that the rule does not cover */
function checkForm({ opType, attributes, inputs }: ForwardNode, count: number): string {
  const refuse = (what: string): never => {
    throw new Error(`the rule of ${opType} does not cover ${what}.`)
  }
  if (attributes.int('layout', 0) === 1) refuse('the layout with the batch first')
  if (attributes.has('clip')) refuse('clipping')
  if (inputs[4]) refuse('rows of different lengths (sequence_lens)')
  if (opType === 'LSTM' && inputs[7]) refuse('peepholes')
  if (opType === 'LSTM' && attributes.int('input_forget', 0) === 1)
    refuse('a forget gate that follows from the input gate')
  if (opType === 'GRU' && attributes.int('linear_before_reset', 0) === 0) refuse('a reset gate before the product')
  const [first, ...others] = attributes.texts('activations')?.join()
    ? grouped(attributes.texts('activations')!, count)
    : []
  const activations = first ?? DEFAULTS[opType] ?? 'Tanh'
  const isKnown = opType in DEFAULTS ? activations === DEFAULTS[opType] : /^(Tanh|Relu)$/.test(activations)
  if (!isKnown || others.some(other => other !== activations))
    refuse(`the activations ${attributes.texts('activations')}`)
  return activations
}

/** The activations of each direction. */
function grouped(all: readonly string[], count: number): string[] {
  const size = all.length / count
  return Array.from({ length: count }, (_, i) => all.slice(i * size, (i + 1) * size).join())
}

function recurrent(cellOf: (activation: string) => Cell): Rule {
  return node => {
    const way = node.attributes.text('direction') || 'forward'
    const isReversed = way === 'bidirectional' ? [false, true] : [way === 'reverse']
    const cell = cellOf(checkForm(node, isReversed.length))
    const directions = isReversed.map((each, i) => direction(node, cell, i, each))
    const joined = (part: (each: Direction) => Tensor) => (): Tensor => stack(directions.map(part), 0)
    return [
      () => directions.map(each => each.x).reduce((a, b) => a.add(b)),
      joined(({ w }) => w),
      joined(({ r }) => r),
      joined(({ bias }) => bias!),
      undefined,
      joined(({ initial }) => initial[0]),
      joined(({ initial }) => initial[1]),
    ]
  }
}

/** The rules of recurrent networks (backpropagation through time). */
export const recurrentRules: Readonly<Record<string, Rule>> = {
  LSTM: recurrent(() => LSTM),
  GRU: recurrent(() => GRU),
  RNN: recurrent(RNN),
}

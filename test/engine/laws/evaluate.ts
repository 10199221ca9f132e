import {
  arrayOf,
  assigned,
  map,
  matmul,
  mean,
  type NumberArray,
  type Part,
  slice,
  softmax,
  transposed,
  zip,
} from './array.ts'
import { type Gate, type Gpt2, once } from './gpt2.ts'
import type { Operand, Program, Statement } from './program.ts'

type Thunk = () => NumberArray

const unary: Readonly<Record<string, (x: NumberArray) => NumberArray>> = {
  tanh: x => map(x, Math.tanh),
  neg: x => map(x, v => -v),
  sigmoid: x => map(x, v => 1 / (1 + Math.exp(-v))),
  relu: x => map(x, v => Math.max(0, v)),
  abs: x => map(x, Math.abs),
  half: x => map(x, v => v * 0.5),
  more: x => map(x, v => v + 0.75),
  softmax,
  steered: x => zip(x, steering(x.dims.at(-1)!), (a, b) => a + b),
  turned: x => slice(x, [{}, Array.from({ length: x.dims[1] }, (_, i) => (i + 1) % x.dims[1])]),
  mixed: x => matmul(softmax(map(matmul(x, transposed(x)), v => v / x.dims[2])), x),
  mean0: x => mean(x, 0),
  mean1: x => mean(x, 1),
  mean2: x => mean(x, 2),
  mean3: x => mean(x, 3),
}

const binary: Readonly<Record<string, (x: number, y: number) => number>> = {
  add: (x, y) => x + y,
  sub: (x, y) => x - y,
  maximum: Math.max,
  chosen: Math.max,
  mul: (x, y) => x * Math.tanh(y),
}

/** A vector that differs from all other values. */
export const steeringData = (width: number): Float32Array =>
  Float32Array.from({ length: width }, (_, i) => Math.sin(i * i))
const steering = (width: number): NumberArray => arrayOf([width], steeringData(width))

/** Evaluates a program by the meaning of its statements, in float64. Returns the wanted values of each prompt. */
export function evaluate(gpt2: Gpt2, { edits, prompts }: Program): NumberArray[][] {
  const values = new Map<number, Thunk>()
  return prompts.map(({ ids, statements, wanted }) => {
    const arriving = new Map<string, Thunk>()
    const writes = new Map<string, Thunk[]>()
    const gate: Gate = (place, value) => {
      const own = once(value)
      arriving.set(place, own)
      return once(() => (writes.get(place)?.at(-1) ?? own)())
    }
    gpt2.run(ids, gate)
    const now = (place: string): Thunk => writes.get(place)?.at(-1) ?? arriving.get(place)!
    const write = (place: string, value: Thunk): void => {
      const made = once(value)
      writes.set(place, [...(writes.get(place) ?? []), made])
    }
    const operand = (given: Operand): Thunk => {
      if (typeof given === 'number') return () => ({ dims: [], data: Float64Array.of(given) })
      if ('vector' in given) return () => steering(given.vector)
      const { value, parts } = given
      const whole = values.get(value)!
      return () => (parts ? slice(whole(), parts) : whole())
    }
    const whole: readonly Part[] = []
    for (const statement of [...edits.flat(), ...statements]) run(statement)
    return wanted.map(value => values.get(value)!())

    function run(statement: Statement): void {
      if (statement.kind === 'skip') {
        const { module, value } = statement
        const given = value === undefined ? now(`${module}.input`) : operand(value)
        // Only the dims of a skipped module's output are needed.
        const before = arriving.get(`${module}.output`)!
        write(`${module}.output`, () => assigned(before(), whole, given()))
      } else if (statement.kind === 'write' || statement.kind === 'set') {
        const { place, value } = statement
        const [before, given] = [now(place), operand(value)]
        write(place, () => assigned(before(), statement.kind === 'set' ? statement.parts : whole, given()))
      } else {
        values.set(statement.to, once(made(statement)))
      }
    }

    function made(statement: Extract<Statement, { readonly to: number }>): Thunk {
      if (statement.kind === 'read') return now(statement.place)
      if (statement.kind === 'binary') {
        const [a, b] = statement.of.map(value => values.get(value)!)
        return () => zip(a(), b(), binary[statement.name])
      }
      const of = values.get(statement.of)!
      if (statement.kind === 'unary') return () => unary[statement.name](of())
      if (statement.kind === 'slice') return () => slice(of(), statement.parts)
      return () => gpt2.apply(statement.module)(of())
    }
  })
}

import type { TensorData } from '../../runtime/tensor/dtypes/data.ts'
import { Tensor } from '../../runtime/tensor/tensor.ts'
import type { InputPair } from '../inputs.ts'
import type { ValuePair } from '../pairing/pair-values.ts'
import type { Side } from '../side.ts'
import { BatchRows } from './batch-rows.ts'
import type { OutputMetric } from './output-error.ts'
import type { Ours, Theirs } from './runs.ts'

/** Inputs that both models run on together, as rows of one batch. */
export class JoinedInputs {
  readonly input: InputPair
  readonly #a: BatchRows
  readonly #b: BatchRows
  readonly #count: number

  private constructor(input: InputPair, a: BatchRows, b: BatchRows, count: number) {
    this.input = input
    this.#a = a
    this.#b = b
    this.#count = count
  }

  /** Joins inputs of equal dims; returns undefined if the rows of one of the models would depend on each other, or can't be told apart. */
  static async of(
    a: Side,
    b: Side,
    pairs: readonly ValuePair[],
    metric: OutputMetric,
    inputs: readonly InputPair[],
  ): Promise<JoinedInputs | undefined> {
    const [first] = inputs
    if (inputs.length < 2) return undefined
    const rowsOfA = await BatchRows.of(a, first.a, first.arrangement)
    const rowsOfB = await BatchRows.of(b, first.b, first.arrangement)
    const canSplit =
      [metric.output, ...pairs.map(pair => pair.a)].every(value => rowsOfA.canSplit(value)) &&
      [metric.outputOfB, ...pairs.map(pair => pair.b)].every(value => rowsOfB.canSplit(value))
    if (!canSplit) return undefined
    const [ours, theirs] = [rowsOfA.inputs(inputs.map(one => one.a)), rowsOfB.inputs(inputs.map(one => one.b))]
    if (!ours || !theirs) return undefined
    return new JoinedInputs({ ...first, a: ours, b: theirs }, rowsOfA, rowsOfB, inputs.length)
  }

  /** What A computed for each input. */
  async ofA({ output, values }: Ours, metric: OutputMetric): Promise<Ours[]> {
    const outputs = await this.#rows(output, this.#a.axisOf(metric.output))
    const each = new Map<string, Tensor[]>()
    for (const [name, value] of values) each.set(name, await this.#rows(value, this.#a.axisOf(name)))
    return outputs.map((output, i) => ({ output, values: new Map([...each].map(([name, rows]) => [name, rows[i]])) }))
  }

  /** What B computed for each input. */
  async ofB({ output, values }: Theirs, pairs: readonly ValuePair[], metric: OutputMetric): Promise<Theirs[]> {
    const outputs = await this.#rows(output, this.#b.axisOf(metric.outputOfB))
    const each: Tensor[][] = []
    for (const [i, value] of values.entries()) each.push(await this.#rows(value, this.#b.axisOf(pairs[i].b)))
    return outputs.map((output, i) => ({ output, values: each.map(rows => rows[i]) }))
  }

  /** The rows of a value; a value that all rows share is that of each. Rows of the first axis are views. */
  async #rows(value: Tensor, axis: number | undefined): Promise<Tensor[]> {
    const rows: Tensor[] = []
    const dims = value.dims as readonly number[]
    for (let row = 0; row < this.#count; row++) {
      if (axis === undefined) rows.push(value)
      else if (axis > 0) rows.push(await value.narrow(axis, row, 1).value())
      else {
        const length = dims.slice(1).reduce((size, dim) => size * dim, 1)
        const data = elementsOf(value).subarray(row * length, (row + 1) * length) as TensorData['data']
        rows.push(Tensor.of({ type: value.type, dims: [1, ...dims.slice(1)], data } as TensorData))
      }
    }
    return rows
  }
}

/** The elements as a Tensor takes them: float16 as bits. */
function elementsOf({ type, data }: Tensor): Float32Array | Uint16Array {
  const elements = data as Float32Array
  return type === 'float16' ? new Uint16Array(elements.buffer, elements.byteOffset, elements.length) : elements
}

import { tensor } from '../../runtime/tensor/functions.ts'
import type { Tensor } from '../../runtime/tensor/tensor.ts'
import { type Chart, lines } from '../pictures/chart.ts'
import { type LabelledAxis, labelled, numbered } from '../results/axes.ts'
import { StudyResult } from '../results/result.ts'
import { short, type Table } from '../results/table.ts'

/** Why an optimisation ended: all steps are done, the loss no longer fell, or `until` said so. */
export type EndReason = 'steps' | 'patience' | 'until'

/** The parameters that `optimize()` found. */
export class Optimized<P extends Readonly<Record<string, Tensor>>> extends StudyResult {
  /** The parameters after the last step, by name: tensors, which an edit can use. */
  readonly parameters: P
  /** `step`. */
  readonly axes: readonly LabelledAxis[]
  /** The loss before each step: float32 `[step]`. */
  readonly losses: Tensor
  readonly reason: EndReason
  readonly #numbers: readonly number[]

  constructor(parameters: P, losses: readonly number[], reason: EndReason) {
    super()
    this.parameters = parameters
    this.axes = [numbered('step', losses.length)]
    this.losses = labelled(tensor([...losses], [losses.length]), this.axes)
    this.reason = reason
    this.#numbers = losses
  }

  /** Writes the parameters to a safetensors file, in Node. */
  async save(path: string): Promise<void> {
    const { writeSafetensors } = await import('../../runtime/tensor-files/safetensors.ts')
    await writeSafetensors(path, this.parameters)
  }

  #title(): string {
    const sizes = Object.entries(this.parameters).map(([name, { dims }]) => `${name} [${dims.join(', ')}]`)
    return `Optimised ${sizes.join(', ')}`
  }

  table(): Table {
    const count = this.#numbers.length
    const shown = [...new Set(Array.from({ length: 11 }, (_, i) => Math.round((i * (count - 1)) / 10)))]
    return {
      title: this.#title(),
      corner: 'step',
      columns: ['loss'],
      rows: shown.filter(i => i >= 0 && i < count).map(i => ({ label: String(i), cells: [short(this.#numbers[i])] })),
      notes: [`It ended after ${count} steps${this.reason === 'steps' ? '' : ` (${this.reason})`}.`],
    }
  }

  protected chart(): Chart {
    const values = this.#numbers
    return lines({
      title: this.#title(),
      across: { name: 'step', values: values.map((_, i) => i) },
      series: [{ name: 'loss', values }],
      measure: 'loss',
    })
  }
}

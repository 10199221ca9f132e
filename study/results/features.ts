import type { Tensor } from '../../runtime/tensor/tensor.ts'
import { realPositions } from '../model/real-positions.ts'
import type { PromptBatch } from '../model/studied-model.ts'
import { type Chart, heatMap } from '../pictures/chart.ts'
import { type LabelledAxis, labelled, numbered } from './axes.ts'
import { StudyResult } from './result.ts'
import { short, type Table, visible } from './table.ts'

/** The features of a sparse autoencoder over a text. */
export class Features extends StudyResult {
  /** `prompt`, `token`, `feature`. */
  readonly axes: readonly LabelledAxis[]
  /** The activations of all features: float32 `[prompt, token, feature]`. */
  readonly activations: Tensor
  /** The squared distance between the encoded value and the autoencoder's reconstruction of it: float32 `[prompt, token]`. */
  readonly error: Tensor
  /** The number of active features at each token of the first prompt. */
  readonly active: readonly number[]
  /** The features with the highest activation anywhere in the first prompt. */
  readonly top: readonly { readonly feature: number; readonly activation: number; readonly token: string }[]
  readonly #rows: readonly (readonly number[])[]
  readonly #tokens: readonly string[]

  constructor(
    activations: Tensor,
    error: Tensor,
    { ids, mask }: PromptBatch,
    top: number,
    token: (id: number) => string,
  ) {
    super()
    const [prompts, positions, features] = activations.dims as number[]
    const labels = prompts === 1 ? ids[0].map(token) : numbered('token', positions).labels
    this.axes = [numbered('prompt', prompts), { name: 'token', labels }, numbered('feature', features)]
    this.activations = labelled(activations, this.axes)
    this.error = labelled(error, this.axes.slice(0, 2))
    const shown = realPositions(mask[0])
    const rows = (activations.tolist() as number[][][])[0]
    this.active = shown.map(i => rows[i].filter(value => value > 0).length)
    this.#tokens = shown.map(i => token(ids[0][i]))
    const most = Array.from({ length: features }, (_, feature) => Math.max(...shown.map(i => rows[i][feature])))
    this.top = most
      .map((activation, feature) => ({ feature, activation }))
      .filter(({ activation }) => activation > 0)
      .sort((a, b) => b.activation - a.activation)
      .slice(0, top)
      .map(({ feature, activation }) => ({
        feature,
        activation,
        token: this.#tokens[shown.findIndex(i => rows[i][feature] === activation)],
      }))
    this.#rows = this.top.map(({ feature }) => shown.map(i => rows[i][feature]))
  }

  table(): Table {
    const mean = this.active.reduce((sum, count) => sum + count, 0) / this.active.length
    return {
      title: 'Features with the highest activation',
      corner: 'feature',
      columns: this.#tokens,
      rows: this.top.map(({ feature }, i) => ({ label: String(feature), cells: this.#rows[i].map(short) })),
      notes: [`${short(mean)} features are active at a token, in the mean.`],
    }
  }

  protected chart(): Chart {
    return heatMap({
      title: 'Features with the highest activation',
      across: { name: 'token', labels: this.#tokens.map(visible) },
      down: { name: 'feature', labels: this.top.map(({ feature }) => String(feature)) },
      values: this.#rows,
      measure: 'activation',
    })
  }
}

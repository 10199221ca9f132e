import { ArgumentError } from '../runtime/errors/tensor.ts'
import type { Tensor } from '../runtime/tensor/tensor.ts'
import type { StudiedModel } from './model/studied-model.ts'
import { fileIn, type TensorsSource, tensorsOf } from './model/tensors-file.ts'

/** The translator of a layer, in the form of torch.nn.Linear. */
interface Translator {
  /** The weight, `[output, input]`: both have the width of the stream. */
  readonly weight: Tensor
  readonly bias: Tensor | undefined
}

/** The translators of a tuned lens, one for the residual stream before each layer. */
export class TunedLens {
  readonly #translators: readonly Translator[]

  constructor(translators: readonly Translator[]) {
    this.#translators = translators
  }

  /** The number of layers for which it was trained. */
  get length(): number {
    return this.#translators.length
  }

  /** @throws StudyError if it was trained for another number of layers */
  check(layers: number, studied: StudiedModel): void {
    if (layers !== this.length)
      throw studied.error(
        `the tuned lens has ${this.length} translators, and the model has ${layers} layers.`,
        'load the lens that was trained for this model',
      )
  }

  /** Translates the stream before a layer into the basis of the last layer: `h + W h + b`. It works in a trace and outside. */
  translate(layer: number, state: Tensor): Tensor {
    const { weight, bias } = this.#translators[layer]
    const moved = state.add(state.matmul(weight.to(state.type).T))
    return bias ? moved.add(bias.to(state.type)) : moved
  }
}

/** The files in which a folder may have a tuned lens; the package writes the last one. */
const FILES = ['params.safetensors', 'params.npz', 'params.pt']

/**
 * Loads a tuned lens: a safetensors or .npz file with the state of the package tuned-lens' `layer_translators`, tensors `0.weight`
 * `[width, width]`, `0.bias` `[width]`, `1.weight` … The package itself saves `params.pt`, which only Python reads; the error says how to
 * convert it. The translator of index i is for the residual stream before layer i, and is added to it: `h + W h + b`.
 *
 * Source: Belrose et al., "Eliciting Latent Predictions from Transformers with the Tuned Lens" (2023), arXiv:2303.08112, and its package
 * tuned-lens.
 *
 * @param source in Node the path of the file, or of its folder if it is called `params`; or its tensors by name
 * @throws ArgumentError if the tensors are not those of a tuned lens, or for `params.pt`; InvalidTensorsFileError for another file;
 * MissingPackageError if fflate, which reads .npz files, is not installed
 */
export async function loadTunedLens(source: TensorsSource): Promise<TunedLens> {
  const file = typeof source === 'string' ? await fileIn(source, FILES) : source
  const found = new Map<number, { weight?: Tensor; bias?: Tensor }>()
  for (const [name, tensor] of Object.entries(await tensorsOf(file))) {
    const parts = /^(?:layer_translators\.)?(\d+)\.(weight|bias)$/.exec(name)
    if (!parts) throw unfit(`it has a tensor ${name}`)
    const one = found.get(Number(parts[1])) ?? {}
    one[parts[2] as 'weight' | 'bias'] = tensor
    found.set(Number(parts[1]), one)
  }
  const translators = Array.from({ length: found.size }, (_, layer): Translator => {
    const { weight, bias } = found.get(layer) ?? {}
    if (!weight) throw unfit(`it has no tensor ${layer}.weight`)
    const [out, into] = weight.dims
    if (weight.rank !== 2 || out !== into || (bias && String(bias.dims) !== String([out])))
      throw unfit(
        `${layer}.weight is [${weight.dims.join(', ')}]${bias ? `, and ${layer}.bias [${bias.dims.join(', ')}]` : ''}`,
      )
    return { weight, bias }
  })
  if (translators.length === 0) throw unfit('it is empty')
  return new TunedLens(translators)
}

const unfit = (reason: string): ArgumentError =>
  new ArgumentError(
    `loadTunedLens: this is no tuned lens: ${reason}.`,
    undefined,
    'give a file with tensors 0.weight [width, width], 0.bias [width], 1.weight …, one pair for each layer',
  )

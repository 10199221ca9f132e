import { ArgumentError } from '../../runtime/errors/tensor.ts'
import type { Inputs } from '../../runtime/model/loaded/inputs.ts'
import type { Model } from '../../runtime/model/model.ts'
import type { TraceOptions } from '../../runtime/tracing/tracer.ts'
import type { Metric } from '../metrics.ts'
import { checkPairs } from '../model/pairs.ts'
import { realPositions } from '../model/real-positions.ts'
import { type Prompts, StudiedModel, type Vocabulary } from '../model/studied-model.ts'
import type { LabelledAxis } from '../results/axes.ts'
import { visible } from '../results/table.ts'
import { Measuring } from './measuring.ts'
import { headCounts, isHeadPart, type Part, parts } from './sites.ts'
import { type Masks, masksAlong } from './variants.ts'

/** What is patched, in the words of the studies' options. */
interface Patched {
  readonly clean: Inputs
  readonly corrupted: Inputs
  readonly metric: Metric
  readonly part: Part
  readonly by: 'position' | 'layer' | undefined
  readonly layers: readonly number[] | undefined
  readonly vocabulary: Vocabulary | undefined
}

/** The names of `Patched`. */
export const PATCHED_OPTIONS = ['clean', 'corrupted', 'metric', 'part', 'by', 'layers', 'vocabulary'] as const

/** The places of one layer that are patched one by one. */
interface Variants {
  readonly masks: Masks
  /** What a place is, a token or a head; undefined if one patch replaces the whole layer. */
  readonly name: string | undefined
  readonly places: readonly number[]
}

/** What patching, and its estimate by gradients, begin with. */
export interface Patching {
  readonly studied: StudiedModel
  readonly clean: Prompts
  readonly corrupted: Prompts
  readonly measuring: Measuring
  readonly layers: readonly number[]
  /** By the index of the layer in `layers`. */
  readonly variants: readonly Variants[]
  /** `layer`, and `token` or `head`, unless one patch replaces all of them. */
  readonly axes: readonly LabelledAxis[]
}

/** Checks what is asked for and finds the places. @throws StudyError, InputError, ArgumentError */
export async function openPatching(
  study: string,
  model: Model,
  patched: Patched,
  options: TraceOptions,
): Promise<Patching> {
  const { metric, part, by, vocabulary } = patched
  if (!parts.includes(part))
    throw new ArgumentError(
      `${study}: there is no part ${JSON.stringify(part)}.`,
      undefined,
      `use one of ${parts.join(', ')}`,
    )
  const studied = new StudiedModel(study, model, vocabulary)
  const [clean, corrupted] = await Promise.all([studied.prompts(patched.clean), studied.prompts(patched.corrupted)])
  checkPairs(studied, clean, corrupted)
  const measuring = new Measuring(studied, metric, options)
  const sizes = await studied.sizes(clean)
  const layers = studied.layersOf(patched.layers, sizes.layers)
  const counts = await headCounts(studied, part, clean, sizes.heads)
  const variants = layers.map(layer => variantsOf(studied, part, by, corrupted, counts[layer]))
  const axes = axesOf(studied, clean, corrupted, layers, variants[0])
  return { studied, clean, corrupted, measuring, layers, variants, axes }
}

function axesOf(
  studied: StudiedModel,
  clean: Prompts,
  corrupted: Prompts,
  layers: readonly number[],
  { name, places }: Variants,
): LabelledAxis[] {
  const ofLayers = { name: 'layer', labels: layers.map(String) }
  if (name === undefined) return [ofLayers]
  /** The token at a position, or both tokens if the prompts have different ones. */
  const token = (position: number): string => {
    const [a, b] = [clean, corrupted].map(({ ids }) => studied.token(ids[0][position]))
    return a === b ? a : `${visible(a)}/${visible(b)}`
  }
  const labels = name === 'token' && corrupted.ids.length === 1 ? places.map(token) : places.map(String)
  return [ofLayers, { name, labels }]
}

/** The elements that each variant of a layer replaces. @throws StudyError, ArgumentError */
function variantsOf(
  studied: StudiedModel,
  part: Part,
  by: Patched['by'],
  { ids, mask }: Prompts,
  heads: number,
): Variants {
  const tokens = ids[0].length
  if (!isHeadPart(part)) {
    if (by === 'layer') return { masks: masksAlong([1, 1], 0, undefined), name: undefined, places: [0] }
    if (ids.some(({ length }) => length !== tokens))
      throw studied.error(
        `the pairs have ${ids.map(({ length }) => length).join(', ')} tokens, and positions have no counterpart.`,
        "give pairs of one length, or patch whole layers: by: 'layer'",
      )
    // These are the positions that are tokens in any of the prompts.
    const places = realPositions(mask[0].map((_, position) => mask.some(row => row[position])))
    return { masks: masksAlong([tokens, 1], 0, places), name: 'token', places }
  }
  if (by === 'position')
    throw studied.error(
      `by: 'position' goes with the residual stream, attentions and MLPs.`,
      'leave `by` out for heads',
    )
  if (heads === 0)
    throw studied.error('a layer has no heads that are known.', 'choose other `layers`, or another `part`')
  const places = Array.from({ length: heads }, (_, head) => head)
  const dims = part === 'pattern' ? [heads, 1, 1] : [1, heads, 1]
  return { masks: masksAlong(dims, part === 'pattern' ? 0 : 1, places), name: 'head', places }
}

import type { Inputs, Model, Tensor } from '../../runtime/index.ts'
import type { Language } from '../../runtime/language-inputs/language.ts'
import { ablate } from '../../study/ablate.ts'
import type { Attributions } from '../../study/attribution/attributions.ts'
import { gradientTimesInput, saliency } from '../../study/attribution/gradients.ts'
import { integratedGradients } from '../../study/attribution/integrated-gradients.ts'
import type { AttributedOptions } from '../../study/attribution/subject.ts'
import { logProbability } from '../../study/metrics.ts'
import { StudiedModel } from '../../study/model/studied-model.ts'
import { type PartPlace, placeOf } from '../../study/sweeps/sites.ts'
import { moduleIn } from '../code/paths.ts'
import { tokenOf } from '../model/tokens.ts'
import type {
  AblatedRow,
  AblationPart,
  AblationRequest,
  AttributionMethod,
  Importance,
  ImportanceRequest,
} from '../protocol/api.ts'
import { Refusal } from '../server/refusal.ts'
import type { TraceTarget } from './template-trace.ts'

type Method = (model: Model, prompt: Inputs, options: AttributedOptions) => Promise<Attributions>

const methods: Readonly<Record<AttributionMethod, Method>> = {
  gradient: gradientTimesInput,
  saliency,
  integrated: integratedGradients,
}

/** The parts that are ablated, one after the other. */
const parts = ['head', 'attention', 'mlp'] as const

/** How much each token has a share in the log probability of the token that follows a position. */
export async function viewImportance(
  { model, options }: TraceTarget,
  ids: readonly number[],
  request: ImportanceRequest,
  logits: string | undefined,
  language: Language | undefined,
): Promise<Importance> {
  const { position, id } = await targetOf({ model, options }, ids, request, logits)
  const found = await methods[request.method](model, [[...ids]], {
    metric: logProbability(id, { position }),
    ...options,
  })
  return {
    position,
    target: tokenOf(language, id),
    probability: Math.exp(found.value),
    values: found.values.tolist() as number[],
    ...(found.baseline === undefined || found.sum === undefined
      ? {}
      : { expected: found.value - found.baseline, sum: found.sum }),
  }
}

/** How far the log probability moves without each head, attention and MLP. Parts that the model does not have are left out. */
export async function viewAblation(
  { model, options }: TraceTarget,
  ids: readonly number[],
  request: AblationRequest,
  logits: string | undefined,
  language: Language | undefined,
  send: (part: AblationPart) => void,
): Promise<void> {
  const { position, id } = await targetOf({ model, options }, ids, request, logits)
  const prompt = [[...ids]]
  const metric = logProbability(id, { position })
  const rows = new Map<number, AblatedRow[number][]>()
  let refused: unknown
  let base = 0
  for (const [i, part] of parts.entries()) {
    try {
      const {
        axes,
        effects,
        base: own,
      } = await ablate(model, prompt, {
        metric,
        part,
        ...options,
        onProgress: (done, total, secondsLeft) =>
          send({ done: i * total + done, total: parts.length * total, secondsLeft }),
      })
      base = own
      const layers = axes[0].labels.map(Number)
      const places = await placesOf(model, prompt, part, layers)
      const moved = effects.tolist() as (number | number[])[]
      for (const [row, layer] of layers.entries()) {
        const cells = rows.get(layer) ?? []
        rows.set(layer, cells)
        const place = places[row]
        if (part === 'head')
          for (const [head, effect] of [moved[row]].flat().entries())
            cells.push({
              name: `head ${head}`,
              effect,
              edit: `${moduleIn('template', place.path)}.heads[${head}].z = 0`,
            })
        else
          cells.push({
            name: part,
            effect: [moved[row]].flat()[0],
            edit: `${moduleIn('template', place.path)}.output = 0`,
          })
      }
    } catch (error) {
      if (options.signal?.aborted || !isRefusal(error)) throw error
      refused ??= error
    }
  }
  if (rows.size === 0) throw refused
  const layers = [...rows].toSorted(([a], [b]) => a - b)
  send({
    result: {
      position,
      target: tokenOf(language, id),
      base,
      layers: layers.map(([layer]) => layer),
      rows: layers.map(([, cells]) => cells),
    },
  })
}

/** Whether a study refuses a part because the model does not have it. */
const isRefusal = (error: unknown): boolean => (error as { code?: unknown }).code !== undefined

async function placesOf(
  model: Model,
  prompt: Inputs,
  part: (typeof parts)[number],
  layers: readonly number[],
): Promise<PartPlace[]> {
  const studied = new StudiedModel('ablate', model, undefined)
  let places: PartPlace[] = []
  await model.scan(prompt, () => {
    places = layers.map(layer => placeOf(studied, part, layer))
  })
  return places
}

/** The position after which a token is predicted, and that token: the next one of the text, or the model's own prediction. */
export async function targetOf(
  { model, options }: TraceTarget,
  ids: readonly number[],
  { position: chosen, follow = 'next' }: AblationRequest,
  logits: string | undefined,
): Promise<{ readonly position: number; readonly id: number }> {
  if (logits === undefined)
    throw new Refusal(422, 'view-importance', 'This needs a model that predicts tokens.', 'look at another tab')
  const position = Math.min(chosen ?? ids.length - 1, ids.length - 1)
  if (follow === 'next' && position + 1 < ids.length) return { position, id: ids[position + 1] }
  const best = (await model.trace([[...ids]] as Inputs, options, one =>
    one.outputs[logits].select(0, 0).select(0, position).to('float32').argmax(-1),
  )) as Tensor
  return { position, id: Number(best.item()) }
}

import { toJson } from '../../cli/outputs/to-json.ts'
import { OnnsightError } from '../../runtime/errors/error.ts'
import type { Inputs, Model, Tensor } from '../../runtime/index.ts'
import { decodedIdsOf } from '../../runtime/language-inputs/ids-and-logits.ts'
import { attentionsOf } from '../../runtime/model/modules/heads/attention-of.ts'
import { handleOf } from '../../runtime/model/modules/module.ts'
import { readsShapeOnly } from '../../runtime/names/derived.ts'
import { isAttention } from '../../runtime/names/heads/attention.ts'
import { madeFrom } from '../../runtime/onnx/graph/made-from.ts'
import type {
  AttentionHead,
  AttentionHeadRequest,
  AttentionOverview,
  AttentionRequest,
  AttentionSite,
  Cell,
  SiteTokens,
} from '../protocol/api.ts'
import { unreadable } from '../server/refusal.ts'
import { headMapsOf, MAX_HEADS, type MapHandles, mapOf, sentMap, sentMaps, weightMapsOf } from './map.ts'
import { differenceOf } from './statistics.ts'
import { assertValidTemplate, type TraceTarget, traceWithTemplate } from './template-trace.ts'
import { withKnownDims } from './values.ts'

/** The modules that have one attention each, whose heads can be shown, in running order. */
export function sitesOf(model: Model): string[] {
  const { binding } = handleOf(model)!
  const attentions = attentionsOf(binding)
  const { root } = binding.taps.tree
  const inside = attentions.modulesWithOne(root).map(({ path }) => path)
  return inside.length === 0 && attentions.in(root).filter(isAttention).length === 1 ? [''] : inside
}

/** Whether the queries and the keys of a module's attention are made from the token ids. A value that only has their size is not. */
function tokensOf(model: Model, path: string): SiteTokens {
  const { binding } = handleOf(model)!
  const { root, graph } = binding.taps.tree
  const ids = decodedIdsOf(model.signature)
  const found = attentionsOf(binding)
    .in(path === '' ? root : binding.taps.tree.get(path)!)
    .find(isAttention)
  const areTokens = (part: 'q' | 'k'): boolean => {
    const value = found?.places.get(part)?.value
    return ids !== undefined && (value === undefined || madeFrom(graph, value, node => !readsShapeOnly(node)).has(ids))
  }
  return { queries: areTokens('q'), keys: areTokens('k') }
}

const headsOf = (model: Model, path: string) => (path === '' ? model : model.module(path)).heads

/** The patterns of all heads for a row of the batch: `[head, query, key]`. */
async function patternOf(model: Model, path: string, batch: number): Promise<Tensor> {
  const pattern = await withKnownDims(headsOf(model, path).pattern as unknown as Tensor)
  return pattern.select(0, Math.min(batch, (pattern.dims[0] as number) - 1)).to('float32')
}

interface ReadSite {
  readonly path: string
  readonly dims: readonly number[]
  readonly areTokens: SiteTokens
  readonly maps: MapHandles
  readonly differences: MapHandles | undefined
  /** The whole patterns, in the unedited run of a comparison. */
  readonly whole: Tensor | undefined
}

/** Reads small maps of all heads of the model and, in a comparison, how much the edit changes them. */
export async function viewAttention(
  target: TraceTarget,
  inputs: Inputs,
  { template, batch = 0, isCompared }: AttentionRequest,
): Promise<AttentionOverview> {
  const read = (edit: string | undefined, unedited?: ReadonlyMap<string, Tensor>) =>
    traceWithTemplate(target, inputs, edit, async model => {
      const sites: ReadSite[] = []
      const refused: { path: string; reason: string }[] = []
      let [count, omitted] = [0, 0]
      for (const path of sitesOf(model)) {
        if (count >= MAX_HEADS) omitted++
        else
          try {
            const heads = await patternOf(model, path, batch)
            const difference = differenceOf(heads, unedited?.get(path))
            sites.push({
              path,
              dims: heads.dims as number[],
              areTokens: tokensOf(model, path),
              maps: edit === undefined ? weightMapsOf(heads) : headMapsOf(heads),
              differences: difference && headMapsOf(difference),
              whole: isCompared && !unedited ? heads : undefined,
            })
            count += heads.dims[0] as number
          } catch (error) {
            if (!(error instanceof OnnsightError)) throw error
            refused.push({ path, reason: error.message.split('\n')[0] })
          }
      }
      return { sites, refused, omitted }
    })
  if (isCompared) assertValidTemplate(template!)
  const unedited = isCompared ? (await read(undefined)).sites : undefined
  const { sites, refused, omitted } = await read(
    template,
    unedited && new Map(unedited.map(({ path, whole }) => [path, whole!])),
  )
  return { sites: sites.map(sentSite), refused, omitted }
}

function sentSite({ path, dims: [heads, queries, keys], areTokens, maps, differences }: ReadSite): AttentionSite {
  return {
    path,
    heads,
    queries,
    keys,
    areTokens,
    maps: sentMaps(maps),
    ...(differences ? { differences: sentMaps(differences) } : {}),
  }
}

/** Reads the pattern of one head. */
export async function viewAttentionHead(
  target: TraceTarget,
  inputs: Inputs,
  request: AttentionHeadRequest,
): Promise<AttentionHead> {
  const { path, head, batch = 0, template, isCompared, query } = request
  const read = (edit: string | undefined, unedited?: Tensor) =>
    traceWithTemplate(target, inputs, edit, async model => {
      if (!sitesOf(model).includes(path))
        throw unreadable(`${path || 'The model'} has no attention of its own.`, 'choose another module')
      const heads = await patternOf(model, path, batch)
      const [count, queries, keys] = heads.dims as number[]
      if (head >= count) throw unreadable(`There is no head ${head}: there are ${count}.`, 'choose another head')
      const matrix = heads.select(0, head)
      const at = Math.min(query ?? queries - 1, queries - 1)
      const difference = differenceOf(matrix, unedited)
      return {
        dims: [queries, keys] as const,
        areTokens: tokensOf(model, path),
        at,
        map: mapOf(matrix),
        row: matrix.select(0, at),
        difference: difference && mapOf(difference),
        whole: isCompared && !unedited ? matrix : undefined,
      }
    })
  if (isCompared) assertValidTemplate(template!)
  const unedited = isCompared ? await read(undefined) : undefined
  const { dims, areTokens, at, map, row, difference } = await read(template, unedited?.whole)
  return {
    path,
    head,
    queries: dims[0],
    keys: dims[1],
    areTokens,
    map: sentMap(map),
    ...(unedited
      ? { compared: { unedited: sentMap(unedited.map), ...(difference ? { difference: sentMap(difference) } : {}) } }
      : {}),
    query: at,
    row: toJson(row.tolist()) as Cell[],
  }
}

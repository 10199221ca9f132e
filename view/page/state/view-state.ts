import type {
  AttributionMethod,
  Comparing,
  Follow,
  LineOrder,
  PatchCell,
  PatchedPart,
  Steering,
} from '../../protocol/api.ts'
import type { InputForm } from '../../protocol/form.ts'

/** Which run is shown: the unedited one, the edited one, or both with their difference. */
export type Side = 'unedited' | 'edited' | 'compared'
export const tabNames = [
  'overview',
  'lens',
  'attention',
  'importance',
  'module',
  'edit',
  'patch',
  'steer',
  'generate',
  'compare',
] as const
/** How one head is drawn. */
export const attentionShapes = ['tokens', 'lines', 'matrix'] as const
export type AttentionShape = (typeof attentionShapes)[number]
/** What the tab Module shows: the values, or how the module computes. */
export type Shown = 'values' | 'graph'
export type Limits = 'robust' | 'whole'
export type TabName = (typeof tabNames)[number]

/** A row or a column of a map whose values are listed. */
export interface Line {
  readonly axis: 'row' | 'column'
  /** The index of the row, used if rows are not tokens; otherwise the chosen token counts. */
  readonly row: number
  readonly column: number
  /** @default by place; logits: the largest first */
  readonly order?: LineOrder | undefined
}

/** Everything that decides what the page shows. The page’s address has all of it. */
export interface ViewState {
  readonly tab: TabName
  readonly module: string
  /** The node in the module whose values are shown; missing for the module's own. */
  readonly node?: string | undefined
  readonly side: Side
  readonly input?: InputForm | undefined
  /** The template that was run. */
  readonly edit?: string | undefined
  /** The row of the batch. */
  readonly batch: number
  /** The position of the chosen token; missing for the last one. */
  readonly token?: number | undefined
  /** The index of the module’s shown value; missing for its output. */
  readonly value?: number | undefined
  /** The indices on the axes before the last two. */
  readonly leading?: readonly number[] | undefined
  /** The axes of a map's rows and columns; missing for the last two. */
  readonly axes?: readonly [number, number] | undefined
  /** The axis with a small map for each of its indices; missing for none. */
  readonly facets?: number | undefined
  /** Whether all rows are read of a value with very many numbers. */
  readonly allRows?: boolean | undefined
  readonly pattern?: { readonly node: string; readonly head: number } | undefined
  readonly line: Line
  /** Whether the colours of a map reach to its largest value, or leave out the largest hundredth. */
  readonly limits: Limits
  readonly shown: Shown
  /** A row of the lens; missing for the model itself. */
  readonly layer?: number | undefined
  /** The module whose head the tab with attention shows; missing for the first one. */
  readonly site?: string | undefined
  readonly head: number
  readonly drawn: AttentionShape
  /** The text into whose run activations are put; missing if none was. */
  readonly corrupted?: string | undefined
  readonly part: PatchedPart
  /** The two answers whose logits are compared. '' stands for the model's prediction; if it is missing, both are predictions. */
  readonly answers?: readonly [string, string] | undefined
  /** The first and last of the patched layers; missing if all are patched. */
  readonly layers?: readonly [number, number] | undefined
  /** The patch whose run is shown; missing if none is. */
  readonly patched?: PatchCell | undefined
  /** The inputs on which two models were compared; missing if they were not. */
  readonly comparing?: Comparing | undefined
  /** The input and the token whose predictions by both models are shown; missing for those that are furthest apart. */
  readonly parted?: { readonly input: number; readonly token?: number } | undefined
  /** How the text was steered; missing if it was not. */
  readonly steering?: Steering | undefined
  /** How the text was generated; missing if it was not. */
  readonly generation?: Generation | undefined
  /** The token whose rank the lens shows. */
  readonly follow: Follow
  /** How the shares of tokens are found. */
  readonly method: AttributionMethod
}

/** How a text is generated. */
export interface Generation {
  readonly maxNewTokens: number
  /** 0 takes the likeliest token. */
  readonly temperature: number
  readonly seed: number
}

export const initialGeneration: Generation = { maxNewTokens: 40, temperature: 0, seed: 1 }
export const initialLine: Line = { axis: 'row', row: 0, column: 0 }
export const initialState: ViewState = {
  tab: 'module',
  module: '',
  side: 'compared',
  batch: 0,
  line: initialLine,
  limits: 'robust',
  shown: 'values',
  follow: 'next',
  method: 'gradient',
  head: 0,
  drawn: 'tokens',
  part: 'residual',
}

/** The change of state to another module, or to a node in it, which resets what was chosen within the last one. */
export const forModule = (module: string, node?: string): Partial<ViewState> => ({
  module,
  node,
  value: undefined,
  leading: undefined,
  axes: undefined,
  facets: undefined,
  allRows: undefined,
  pattern: undefined,
  line: initialLine,
})

/** The page's options for patching, as the server takes them. */
export const patchIn = ({ corrupted = '', part, answers, layers }: ViewState) => ({
  corrupted,
  part,
  ...(answers ? { answers } : {}),
  ...(layers ? { layers } : {}),
})

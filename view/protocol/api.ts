/** What the page and the command say to each other, as JSON. */

/** A number; what JSON lacks stands as text: "NaN", "Infinity", "-Infinity", integers beyond 2^53. */
export type Cell = number | string | boolean

export interface SentError {
  readonly code: string
  readonly message: string
  readonly fix?: string
  /** Where a template is wrong: its lines with a mark; 1-based. */
  readonly frame?: { readonly text: string; readonly line: number; readonly column: number }
}

export interface SentShape {
  readonly type: string
  /** `null` where a dim is not known. */
  readonly dims: readonly (number | string | null)[]
}

export type Filling = 'zeros' | 'ones' | 'positions' | 'random'

export interface ViewedInput {
  readonly name: string
  readonly type: string
  /** Missing where not even their number is known. */
  readonly dims?: readonly (number | string | null)[]
  /** What it can be filled with, the usual one first; nothing where it can't be made. */
  readonly fillings: readonly Filling[]
  /** `attention_mask` and the like: filled in from the ids where it is not given. */
  readonly followsIds: boolean
}

export interface ViewedModule {
  /** '' for the model itself. */
  readonly path: string
  readonly name: string
  readonly className?: string
  readonly nodes: number
  readonly parameters: number
  readonly bytes: number
  readonly weights: readonly { readonly name: string; readonly type: string; readonly dims: readonly number[] }[]
}

/** GET api/model */
export interface ViewedModel {
  readonly name: string
  readonly provider: string
  readonly inputs: readonly ViewedInput[]
  readonly outputs: readonly {
    readonly name: string
    readonly type: string
    readonly dims?: readonly (number | string | null)[]
  }[]
  /** Parents first. */
  readonly modules: readonly ViewedModule[]
  /** The input that takes token ids. */
  readonly ids?: string
  readonly hasVocabulary: boolean
  /** The output with a number for each token and each entry of the vocabulary. */
  readonly logits?: string
  readonly lens: LensPath | { readonly why: string }
}

export interface LensPath {
  readonly layers: readonly string[]
  /** Modules between the last layer and the logits, in running order. */
  readonly head: readonly string[]
}

export interface Token {
  readonly id: number
  /** Missing without a vocabulary. */
  readonly text?: string
}

/** POST api/tokens */
export type TokensRequest = { readonly text: string } | { readonly ids: readonly number[] }
export interface Tokens {
  readonly tokens: readonly Token[]
}

export type GivenValue =
  | { readonly text: string }
  | { readonly json: unknown }
  | { readonly made: Filling }
  | { readonly file: { readonly name: string; readonly base64: string } }

/** What every run is given. */
export interface RunRequest {
  readonly inputs: Readonly<Record<string, GivenValue>>
  /** Open dims of inputs that are made: by name, or `x.1` for axis 1 of x. */
  readonly dims?: Readonly<Record<string, number>>
  readonly template?: string
}

/** POST api/run: what the template saves; without it, the outputs. */
export interface RunResult {
  readonly results: Readonly<
    Record<string, { readonly type: string; readonly dims: readonly number[]; readonly data: unknown }>
  >
  readonly printed: readonly string[]
}

/** What is looked at in a run. */
export interface ViewRequest extends RunRequest {
  /** A row of the batch; the first one where it is left out. */
  readonly batch?: number
  /** With a template: the model as it is too, and how they differ. */
  readonly isCompared?: boolean
}

/** POST api/module */
export interface ModuleRequest extends ViewRequest {
  readonly path: string
  /** Which of the values of the answer; without it, the module's output. */
  readonly value?: number
  /** Places on the axes before the last two; where they are left out the row of the batch, and 0. */
  readonly leading?: readonly number[]
  readonly pattern?: { readonly node: string; readonly head: number }
}

export interface Statistics {
  /** Of finite values; null where there are none. */
  readonly min: number | null
  readonly max: number | null
  readonly mean: number | null
  /** Of the population: divided by the count. */
  readonly std: number | null
  readonly nan: number
  readonly infinite: number
  readonly count: number
  /** How many finite values lie in each of equal parts between min and max. */
  readonly histogram?: readonly number[]
}

/** A matrix to look at. Where it has too many cells, each shown one is that of the largest magnitude of those it stands for. */
export interface SentMap {
  readonly rows: number
  readonly columns: number
  /** How many rows and columns a shown cell stands for; the last one for fewer. */
  readonly factors: readonly [number, number]
  readonly cells: readonly (readonly Cell[])[]
}

export interface ValuePlace extends SentShape {
  readonly side: 'input' | 'output'
  readonly name: string
}

export interface Pattern {
  readonly node: string
  readonly module: string
  /** Of the batch; 1 where the pattern has no axis for it. */
  readonly rows: number
  readonly heads: number
  readonly tokens: number
}

export interface ModuleView {
  readonly path: string
  readonly values: readonly ValuePlace[]
  /** What to know of the output: it can't be told from others, or is another's. */
  readonly note?: string
  /** Which of them is shown; missing where none is to be had. */
  readonly shown?: number
  readonly statistics?: Statistics
  /** Sizes of the axes before the last two, and the places taken. */
  readonly leading: readonly { readonly size: number; readonly at: number }[]
  readonly map?: SentMap
  /** Of a comparison, whose value above is the edited one. */
  readonly compared?: Sides<SeenValue>
  readonly patterns: readonly Pattern[]
  readonly pattern?: {
    readonly node: string
    readonly head: number
    readonly map: SentMap
    readonly compared?: Sides<SentMap>
  }
}

export interface SeenValue {
  readonly statistics: Statistics
  readonly map: SentMap
}

/** What stands beside the edited one. */
export interface Sides<T> {
  readonly unedited: T
  /** Edited less unedited; missing where their dims differ. */
  readonly difference?: T
}

/** POST api/heads: all attention patterns of a module, small. */
export type HeadsRequest = Omit<ModuleRequest, 'value' | 'leading' | 'pattern'>
export interface Heads {
  readonly patterns: readonly HeadsOf[]
  /** Patterns that are left out: there are too many heads for one look. */
  readonly left: number
}
export interface HeadsOf extends Pattern {
  /** One for each head. */
  readonly maps: readonly SentMap[]
  /** Of a comparison: edited less unedited. */
  readonly differences?: readonly SentMap[]
}

/** POST api/row: values of one row or column of the map. */
export interface RowRequest extends ModuleRequest {
  readonly line: { readonly axis: 'row' | 'column'; readonly at: number }
  /** @default 'place' */
  readonly order?: 'place' | 'magnitude'
  /** The first one, in that order. */
  readonly from?: number
}
export interface Row {
  /** Of the whole line. */
  readonly count: number
  readonly from: number
  readonly places: readonly number[]
  readonly values: readonly Cell[]
  /** The largest finite magnitude in the whole line. */
  readonly largest: number
  /** Of a comparison, whose values above are the edited ones; its order is that of differences. */
  readonly compared?: Sides<readonly Cell[]>
}

export interface Prediction extends Token {
  readonly probability: number
  /** Of a comparison: on the other side. */
  readonly other?: number
}

/** POST api/lens */
export interface LensRequest extends ViewRequest {
  /** The first position that is wanted. */
  readonly from?: number
}

export interface Lens extends LensPath, LensRows {
  readonly from: number
  /** Of the whole input. */
  readonly positions: number
  /** Of a comparison, whose rows above are the edited ones. */
  readonly unedited?: LensRows
}

export interface LensRows {
  /** By layer, position and rank. */
  readonly top: readonly (readonly (readonly Prediction[])[])[]
  /** The model's own, by position and rank. */
  readonly own: readonly (readonly Prediction[])[]
}

/** POST api/code: what is looked at, as a program. */
export interface CodeRequest extends ModuleRequest {
  readonly tab: 'module' | 'lens' | 'edit'
}
export interface Code {
  /** A module that runs as it stands. */
  readonly typescript: string
  /** The edit and what is read, in the template language. */
  readonly template: string
}

/** POST api/compare */
export interface CompareRequest extends RunRequest {
  /** A row of the batch; the first one where it is left out. */
  readonly batch?: number
  readonly template: string
  /** Of the prediction; without it the last one. */
  readonly position?: number
}

export interface ComparedToken extends Token {
  readonly logits: readonly [unedited: Cell, edited: Cell]
  readonly probabilities: readonly [unedited: Cell, edited: Cell]
}

export interface ComparedOutput extends SentShape {
  readonly name: string
  /** Missing for an output of text. */
  readonly statistics?: readonly [unedited: Statistics, edited: Statistics]
  /** Edited less unedited; missing where their dims differ. */
  readonly difference?: Statistics
  /** The first values of both. */
  readonly values: readonly [unedited: readonly Cell[], edited: readonly Cell[]]
}

export interface SavedValue extends SentShape {
  readonly name: string
  readonly statistics?: Statistics
  readonly values: readonly Cell[]
}

export interface Comparison {
  /** Of models with logits: the best of both, the likeliest first. */
  readonly tokens?: readonly ComparedToken[]
  readonly position?: number
  /** Of all others. */
  readonly outputs?: readonly ComparedOutput[]
  readonly saved: readonly SavedValue[]
  readonly printed: readonly string[]
}

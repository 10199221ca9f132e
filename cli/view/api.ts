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

/** POST api/module */
export interface ModuleRequest extends RunRequest {
  readonly path: string
  /** Which of the values of the answer; without it, the module's output. */
  readonly value?: number
  /** Places on the axes before the last two; 0 where it is left out. */
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
  readonly patterns: readonly Pattern[]
  readonly pattern?: { readonly node: string; readonly head: number; readonly map: SentMap }
}

/** POST api/row: the values of one row of the map. */
export interface RowRequest extends ModuleRequest {
  readonly row: number
}
export interface Row {
  readonly values: readonly Cell[]
}

export interface Prediction extends Token {
  readonly probability: number
}

/** POST api/lens */
export interface Lens extends LensPath {
  /** By layer, position and rank. */
  readonly top: readonly (readonly (readonly Prediction[])[])[]
  /** The model's own, by position and rank. */
  readonly own: readonly (readonly Prediction[])[]
}

/** POST api/compare */
export interface CompareRequest extends RunRequest {
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

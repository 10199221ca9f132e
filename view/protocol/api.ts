/** The page's requests and the server's answers, as JSON. */

/** A number. Numbers that JSON can't express are text: "NaN", "Infinity", "-Infinity", integers beyond 2^53. */
export type Cell = number | string | boolean

export interface SentError {
  readonly code: string
  readonly message: string
  readonly fix?: string
  /** The place of a mistake in a template: its lines with a mark; line and column are 1-based. */
  readonly frame?: { readonly text: string; readonly line: number; readonly column: number }
}

export interface SentShape {
  readonly type: string
  /** `null` for a dim that is not known. */
  readonly dims: readonly (number | string | null)[]
}

export type Filling = 'zeros' | 'ones' | 'positions' | 'random'

export interface InputDescription {
  readonly name: string
  readonly type: string
  /** Missing if not even the rank is known. */
  readonly dims?: readonly (number | string | null)[]
  /** The values with which it can be generated, the default first; empty if it can't be generated. */
  readonly fillings: readonly Filling[]
  /** True for inputs such as `attention_mask`, which are filled in from the ids unless they are passed. */
  readonly followsIds: boolean
}

export interface ModuleDescription {
  /** '' for the model itself. */
  readonly path: string
  readonly name: string
  readonly className?: string
  readonly nodes: number
  /** How many of the nodes no child contains. */
  readonly own: number
  readonly parameters: number
  readonly bytes: number
  readonly weights: readonly { readonly name: string; readonly type: string; readonly dims: readonly number[] }[]
}

/** GET api/model */
export interface ModelDescription {
  /** The path of its file. */
  readonly name: string
  /** The model's name for the user: that of the file, of its folder, or of the model on the hub. */
  readonly title: string
  readonly provider: string
  readonly inputs: readonly InputDescription[]
  readonly outputs: readonly {
    readonly name: string
    readonly type: string
    readonly dims?: readonly (number | string | null)[]
  }[]
  /** Parents come before their children. */
  readonly modules: readonly ModuleDescription[]
  /** The input that takes token ids. */
  readonly ids?: string
  readonly hasVocabulary: boolean
  /** A text to begin with, if there is a vocabulary. */
  readonly example?: string
  /** How many token ids the model knows, if its graph says so. */
  readonly entries?: number
  /** The output that holds logits: a number for each token and each entry of the vocabulary. */
  readonly logits?: string
  readonly hasAttention: boolean
  readonly lens: LensPath | { readonly reason: string }
  /** What the model takes and gives, in words: `language model`. */
  readonly kind: string
  /** Its class, if a config.json beside it says so: `GPT2LMHeadModel`. */
  readonly architecture?: string
  readonly opset?: number
  /** The most tokens that it takes, if its graph says so. */
  readonly context?: number
  /** How pictures and sound become numbers, if a preprocessor_config.json beside it says so. */
  readonly preprocessing?: Preprocessing
  /** The names of classes, if a config.json beside it has them. */
  readonly classes?: readonly string[]
  /** The second model, with which it is compared. */
  readonly beside?: { readonly name: string; readonly title: string }
}

/** How pictures and sound become the numbers of an input. What is missing is not said. */
export interface Preprocessing {
  readonly height?: number
  readonly width?: number
  /** The factor of a colour from 0 to 255. */
  readonly rescale?: number
  readonly mean?: readonly number[]
  readonly std?: readonly number[]
  /** Samples of sound in a second. */
  readonly samplingRate?: number
}

/** The modules that a logit lens runs. */
export interface LensPath {
  /** The paths of the layers. */
  readonly layers: readonly string[]
  /** The paths of the modules between the last layer and the logits, in running order. */
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

/** The value of an input, as the user typed or chose it. */
export type InputValue =
  | { readonly text: string }
  | { readonly json: unknown }
  | { readonly generated: Filling }
  | { readonly file: { readonly name: string; readonly base64: string } }

/** The inputs and options of every run. */
export interface RunRequest {
  readonly inputs: Readonly<Record<string, InputValue>>
  /** Sizes of open dims of generated inputs, by name, or `x.1` for axis 1 of x. */
  readonly dims?: Readonly<Record<string, number>>
  readonly template?: string
}

/** POST api/run: returns what the template saves, or without a template the outputs. */
export interface RunResult {
  readonly results: Readonly<
    Record<string, { readonly type: string; readonly dims: readonly number[]; readonly data: unknown }>
  >
  readonly printed: readonly string[]
}

/** POST api/check: runs the model on some inputs, to see whether they fit; the results are not sent. */
export interface Checked {
  readonly fits: true
}

/** The part of a run that the page shows. */
export interface ViewRequest extends RunRequest {
  /** A row of the batch. @default the first one */
  readonly batch?: number
  /** With a template: also run the model without the edit, and compare. */
  readonly isCompared?: boolean
}

/** POST api/overview: what happens in the whole model, as far as it fits on one screen. */
export interface OverviewRequest extends ViewRequest {
  /** For logits: the position whose prediction is sent. */
  readonly position?: number
}
export interface Overview {
  /** Values on the way from the input to the output, in running order. */
  readonly stages: readonly Stage[]
  /** How many of the model's values of that kind there are. */
  readonly of: number
  /** If all of them have as many rows: the norm of each row, by stage. For models of text, rows are tokens. */
  readonly norms?: SentMap
  readonly outputs: readonly OutputGlance[]
  /** The likeliest tokens after the position. */
  readonly predictions?: readonly Prediction[]
}

/** The output of a layer, of a module or of an operation. */
export interface Stage {
  /** The module's path, or that of the module that has the node. */
  readonly path: string
  readonly node?: string
  /** The path of the layer or module, or the node's name. */
  readonly name: string
  readonly type: string
  readonly dims: readonly number[]
  /** The root mean square of the elements. */
  readonly size: Cell
  /** For maps of channels: the root mean square over the channels, by row and column. */
  readonly map?: SentMap
}

export interface OutputGlance {
  readonly name: string
  readonly type: string
  readonly dims: readonly number[]
  readonly min: Cell
  readonly max: Cell
  readonly mean: Cell
  /** For a row of numbers: the largest, and where they are. */
  readonly top?: readonly { readonly at: number; readonly value: Cell; readonly probability: Cell }[]
}

/** POST api/operations: the nodes of some modules that none of their children contains. */
export interface OperationsRequest {
  readonly paths: readonly string[]
}
/** The operations of each module, in running order. */
export interface OperationsLists {
  readonly modules: readonly { readonly path: string; readonly operations: readonly Operation[] }[]
}
export interface Operation {
  /** The node's name, which no other node has. */
  readonly node: string
  readonly opType: string
}

/** POST api/graph: how a module computes. */
export interface GraphRequest {
  readonly path: string
}
export interface ModuleGraph {
  readonly path: string
  readonly items: readonly GraphItem[]
  readonly edges: readonly GraphEdge[]
  /** How many nodes are left out, because they only compute sizes of other values. */
  readonly omitted: number
}
export interface GraphItem {
  readonly id: string
  readonly kind: 'module' | 'operation' | 'input' | 'output'
  /** A module's name, an operator, or the name of a value. */
  readonly name: string
  /** The module's path. */
  readonly path?: string
  /** The node's name. */
  readonly node?: string
}
export interface GraphEdge {
  readonly from: string
  readonly to: string
  /** The name of a value that goes this way. */
  readonly value: string
}

/** POST api/module */
export interface ModuleRequest extends ViewRequest {
  readonly path: string
  /** A node in the module: its values are shown instead of the module's. */
  readonly node?: string
  /** Which value of the module to show. @default its output */
  readonly value?: number
  /** The axes of the map's rows and of its columns. @default the last two */
  readonly axes?: readonly [rows: number, columns: number]
  /** Indices on the other axes, in their order. @default the row of the batch, then 0 */
  readonly leading?: readonly number[]
  /** One of the other axes: a small map is sent for each of its indices. */
  readonly facets?: number
  /** For a value with very many numbers: the first of the rows that are read. @default those that end with the last row */
  readonly rowsFrom?: number
  /** Reads all rows, however many numbers they have. */
  readonly isWhole?: boolean
  readonly pattern?: { readonly node: string; readonly head: number }
}

export interface Statistics {
  /** Statistics of the finite values; null if there are none. */
  readonly min: number | null
  readonly max: number | null
  readonly mean: number | null
  /** The standard deviation of the population: the sum is divided by the count. */
  readonly std: number | null
  readonly nan: number
  readonly infinite: number
  readonly count: number
  /** How many finite values lie in each of equal parts between min and max. */
  readonly histogram?: readonly number[]
}

/** A matrix to show. If it has too many cells, each shown cell has the value of the largest magnitude among those it joins. */
export interface SentMap {
  readonly rows: number
  readonly columns: number
  /** How many rows and columns a shown cell joins; the last one may join fewer. */
  readonly factors: readonly [number, number]
  readonly cells: readonly (readonly Cell[])[]
}

/** What an axis of a value stands for, as far as it is known. */
export interface SentAxis {
  /** `head`, `token`, `channel` … */
  readonly name?: string
  /** What stands at its first places, such as the texts of tokens. */
  readonly labels?: readonly string[]
}

/** The least and the largest sample of sound in each column of a waveform. */
export interface SentWaveform {
  readonly samples: number
  /** Samples in a second, if it is known. */
  readonly rate?: number
  readonly least: readonly Cell[]
  readonly largest: readonly Cell[]
}

/** The colours of a picture in bytes, row by row: red, green and blue of each pixel. The least number is 0, and the greatest is 255. */
export interface SentPicture {
  readonly width: number
  readonly height: number
  readonly base64: string
}

export interface ValuePlace extends SentShape {
  readonly side: 'input' | 'output' | 'weight'
  readonly name: string
}

export interface Pattern {
  readonly node: string
  readonly module: string
  /** Rows of the batch; 1 if the pattern has no batch axis. */
  readonly rows: number
  readonly heads: number
  readonly tokens: number
}

export interface ModuleView {
  readonly path: string
  readonly values: readonly ValuePlace[]
  /** A remark about the output: it is ambiguous, or belongs to another module. */
  readonly note?: string
  /** For logits: the columns are the entries of the vocabulary. Their texts are sent if they are few. */
  readonly vocabulary?: readonly Token[]
  /** The node that is shown instead of a module. */
  readonly operation?: OperationDescription
  /** The index of the shown value in `values`; missing if no value can be read. */
  readonly valueIndex?: number
  readonly statistics?: Statistics
  /** The sizes of all axes of the value. */
  readonly dims?: readonly number[]
  /** What the axes stand for. */
  readonly axes?: readonly SentAxis[]
  /** The axes besides those of rows and columns: their sizes, and the indices that are shown. */
  readonly leading: readonly { readonly axis: number; readonly size: number; readonly at: number }[]
  /** Which rows were read, if they are not all: the statistics and maps are theirs. */
  readonly window?: RowWindow
  /** A small map for each index of an axis, from its first one. */
  readonly facets?: { readonly axis: number; readonly maps: readonly SentMap[] }
  /** For a value of three maps of colours: the picture. */
  readonly picture?: SentPicture
  /** For samples of sound: the waveform. */
  readonly waveform?: SentWaveform
  readonly map?: SentMap
  /** In a comparison: the unedited run and the difference. The fields above are those of the edited run. */
  readonly compared?: Sides<ValueSummary>
  readonly patterns: readonly Pattern[]
  readonly pattern?: {
    readonly node: string
    readonly head: number
    readonly map: SentMap
    readonly compared?: Sides<SentMap>
  }
}

/** Some of a value's rows: the first one, how many, and how many there are. */
export interface RowWindow {
  readonly from: number
  readonly count: number
  readonly of: number
}

export interface OperationDescription extends Operation {
  /** The operator's domain; '' for ai.onnx. */
  readonly domain: string
  readonly attributes: readonly { readonly name: string; readonly value: string }[]
}

export interface ValueSummary {
  readonly statistics: Statistics
  readonly map: SentMap
}

/** What a comparison adds to the edited values: the unedited values, and the difference. */
export interface Sides<T> {
  readonly unedited: T
  /** Edited minus unedited; missing if their dims differ. */
  readonly difference?: T
}

/** POST api/heads: small maps of all attention patterns of a module. */
export type HeadsRequest = Omit<
  ModuleRequest,
  'value' | 'leading' | 'axes' | 'facets' | 'pattern' | 'rowsFrom' | 'isWhole'
>
export interface Heads {
  readonly patterns: readonly PatternHeads[]
  /** How many patterns are not sent, because there are too many heads to show at once. */
  readonly omitted: number
}
export interface PatternHeads extends Pattern {
  /** A map for each head. */
  readonly maps: readonly SentMap[]
  /** In a comparison: edited minus unedited. */
  readonly differences?: readonly SentMap[]
}

/** How many values of a row or column are sent at once. */
export const ROW_VALUES = 128

/** POST api/row: values of one row or column of the map. */
export interface RowRequest extends ModuleRequest {
  readonly line: { readonly axis: 'row' | 'column'; readonly at: number }
  /** @default 'place' */
  readonly order?: LineOrder
  /** Index of the first value, in that order. */
  readonly from?: number
}
/** By place, or the largest magnitude first, or the largest value first. */
export type LineOrder = (typeof lineOrders)[number]
export const lineOrders = ['place', 'magnitude', 'largest'] as const

export interface Row {
  /** How many values the whole line has. */
  readonly count: number
  readonly from: number
  /** Where the values are in the line. */
  readonly indices: readonly number[]
  readonly values: readonly Cell[]
  /** For a row of logits: the token of each value. */
  readonly tokens?: readonly Token[]
  /** The largest finite magnitude in the whole line. */
  readonly largest: number
  /** In a comparison: the unedited values. The values above are the edited ones, ordered by their differences. */
  readonly compared?: Sides<readonly Cell[]>
}

export interface Prediction extends Token {
  readonly probability: number
  /** In a comparison: the token's probability in the other run. */
  readonly otherProbability?: number
}

/** POST api/lens */
export interface LensRequest extends ViewRequest {
  /** The first position to show. */
  readonly from?: number
  /** The token whose rank is sent for each layer: the next token of the text, or the one that the model itself predicts. @default 'next' */
  readonly follow?: Follow
}
export type Follow = 'next' | 'model'

export interface Lens extends LensPath, LensRows {
  readonly from: number
  /** How many positions the whole input has. */
  readonly positions: number
  /** The token that is followed, by position. At the last position it is the model’s prediction, because the text ends there. */
  readonly targets: readonly Token[]
  /** In a comparison: the unedited rows. The rows above are the edited ones. */
  readonly unedited?: LensRows
}

export interface LensRows {
  /** The likeliest tokens of each layer, by layer, position and rank. */
  readonly top: readonly (readonly (readonly Prediction[])[])[]
  /** The likeliest tokens of the model itself, by position and rank. */
  readonly own: readonly (readonly Prediction[])[]
  /** The token that is followed: its rank from 1 and its probability, by layer (last, the model itself) and position. */
  readonly followed: readonly (readonly Followed[])[]
}

/** POST api/patch: activations of the input are put into the run of another text. The answer is a line of JSON for each part. */
export interface PatchRequest extends ViewRequest {
  readonly corrupted: string
  readonly part: PatchedPart
  /** The tokens whose logits are compared. '' stands for the model's prediction after each text. @default both are predictions */
  readonly answers?: readonly [string, string]
  /** The first layer and the last one. @default all */
  readonly layers?: readonly [first: number, last: number]
}

/** The part that is patched: at each position or, for parts of heads, in each head at all positions. */
export const patchedParts = ['residual', 'attention', 'mlp', 'head', 'query', 'key', 'value', 'pattern'] as const
export type PatchedPart = (typeof patchedParts)[number]

/** One patch: its layer, and its position or head. */
export interface PatchCell {
  readonly layer: number
  readonly place: number
}

/** POST api/patched-lens: the lens of the corrupted text with one patch. The unedited rows are those without the patch. */
export interface PatchedLensRequest extends PatchRequest {
  readonly cell: PatchCell
  readonly from?: number
  readonly follow?: Follow
}

/** How many steps of a long request are done, and the time left if it is known; at the end, the result. */
export interface ProgressPart<R> {
  readonly done?: number
  readonly total?: number
  readonly secondsLeft?: number
  readonly result?: R
}

/** The steps are layers. */
export type PatchPart = ProgressPart<PatchedView>

export interface PatchedView {
  /** The layers that were patched. */
  readonly layers: readonly number[]
  /** Whether each column is a token or a head. */
  readonly across: 'token' | 'head'
  /** The tokens of both texts, by position. */
  readonly tokens: readonly (readonly [clean: Token, corrupted: Token])[]
  /** By layer, and position or head: the share of the clean value that the patch brings back, and the value with the patch. */
  readonly recovered: readonly (readonly number[])[]
  readonly values: readonly (readonly number[])[]
  readonly clean: number
  readonly corrupted: number
  readonly answers: readonly Token[]
}

/** The token whose log probability is explained: the one after a position. */
export interface AblationRequest extends ViewRequest {
  /** @default the last position */
  readonly position?: number
  /** The next token of the text, or the model's own prediction. @default 'next' */
  readonly follow?: Follow
}

/** POST api/importance: how much each token has a share in it, by gradients. */
export interface ImportanceRequest extends AblationRequest {
  readonly method: AttributionMethod
}
export const attributionMethods = ['gradient', 'saliency', 'integrated'] as const
export type AttributionMethod = (typeof attributionMethods)[number]

export interface Importance {
  readonly position: number
  readonly target: Token
  readonly probability: number
  /** A number for each token. */
  readonly values: readonly number[]
  /** For integrated gradients: what all numbers together should be, and what they are. */
  readonly expected?: number
  readonly sum?: number
}

/** POST api/ablation: how far it moves without each head, attention and MLP. The answer is a line of JSON for each part. */
export type AblationPart = ProgressPart<AblationView>

export interface AblationView {
  readonly position: number
  readonly target: Token
  /** The log probability with all parts. */
  readonly base: number
  readonly layers: readonly number[]
  readonly rows: readonly AblatedRow[]
}
/** The parts of a layer: how far the log probability moves without each, and the edit that takes it out. */
export type AblatedRow = readonly { readonly name: string; readonly effect: number; readonly edit: string }[]

/** POST api/generate: the model continues its input. The answer is a line of JSON for each part. */
export interface GenerateRequest extends ViewRequest {
  readonly maxNewTokens: number
  /** 0 takes the likeliest token. */
  readonly temperature: number
  readonly seed: number
}

/** POST api/steer: the model continues its input while a direction is added to a layer's output. The answer has the parts of api/generate. */
export interface SteerRequest extends GenerateRequest, Steering {}

/** A direction in the residual stream: the mean of some texts minus that of others, after a layer. */
export interface Steering {
  /** The texts to steer towards and away from, each read at its last token. */
  readonly towards: readonly string[]
  readonly away: readonly string[]
  /** The layer, from 0. */
  readonly layer: number
  /** The factor with which the direction is added. */
  readonly strength: number
}

/** A piece of new text as it comes or, at the end of a side, all its tokens. */
export interface GeneratePart {
  readonly side: 'unedited' | 'edited'
  readonly text?: string
  readonly tokens?: readonly GeneratedToken[]
}

export interface GeneratedToken extends Prediction {
  /** The likeliest tokens of its step. */
  readonly top: readonly Prediction[]
}

/** POST api/attention: small maps of the heads of all attentions. */
export type AttentionRequest = ViewRequest

export interface AttentionOverview {
  readonly sites: readonly AttentionSite[]
  /** How many attentions have no maps here, because there are too many heads to show at once. */
  readonly omitted: number
  /** Why a module's attention can't be read. */
  readonly refused: readonly { readonly path: string; readonly reason: string }[]
}

/** Whether the queries and the keys are the tokens of the text; if not, they are those of an encoder, frames or patches. */
export interface SiteTokens {
  readonly queries: boolean
  readonly keys: boolean
}

export interface AttentionSite {
  /** The module: `module.heads` are its heads. */
  readonly path: string
  readonly heads: number
  readonly queries: number
  readonly keys: number
  readonly areTokens: SiteTokens
  readonly maps: readonly SentMap[]
  /** In a comparison: edited minus unedited. */
  readonly differences?: readonly SentMap[]
}

/** POST api/attention-head: the pattern of one head. */
export interface AttentionHeadRequest extends ViewRequest {
  readonly path: string
  readonly head: number
  /** The query whose row is sent in full. */
  readonly query?: number
}

export interface AttentionHead {
  readonly path: string
  readonly head: number
  readonly queries: number
  readonly keys: number
  readonly areTokens: SiteTokens
  readonly map: SentMap
  readonly compared?: Sides<SentMap>
  /** The weights of one query on all keys, and of all queries on the key of the same token. */
  readonly query: number
  readonly row: readonly Cell[]
}

export interface Followed {
  readonly rank: number
  readonly probability: number
}

/** POST api/code: a program that computes what the page shows. */
export interface CodeRequest extends ModuleRequest {
  /** One cell of the lens: a layer, or the model itself, at a position. */
  readonly cell?: { readonly layer?: number; readonly position: number }
  readonly tab:
    | 'overview'
    | 'module'
    | 'lens'
    | 'edit'
    | 'attention'
    | 'importance'
    | 'generate'
    | 'patch'
    | 'steer'
    | 'compare'
  /** In the tab that compares two models: their inputs. */
  readonly comparing?: Comparing
  /** In the tab with importance: the token that is explained, and the method. */
  readonly importance?: Pick<ImportanceRequest, 'method' | 'position' | 'follow'>
  /** In the tab that patches: its options, and one cell of its map with the ids of its answers. */
  readonly patch?: Pick<PatchRequest, 'corrupted' | 'part' | 'answers' | 'layers'>
  readonly patched?: PatchCell & { readonly answers: readonly [number, number] }
  /** In the tab that steers: the direction and the strength. */
  readonly steering?: Steering
  /** In the tabs that generate: their options. */
  readonly generation?: Pick<GenerateRequest, 'maxNewTokens' | 'temperature' | 'seed'>
  /** In the tab with attention: the head. */
  readonly head?: number
}
export interface Code {
  /** A complete TypeScript module. */
  readonly typescript: string
  /** The edit and the reads, in the template language. */
  readonly template: string
}

/** POST api/compare */
export interface CompareRequest extends RunRequest {
  /** A row of the batch. @default the first one */
  readonly batch?: number
  readonly template: string
  /** The token after which the prediction is compared. @default the last one */
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
  /** Edited minus unedited; missing if their dims differ. */
  readonly difference?: Statistics
  /** The first values of both runs. */
  readonly values: readonly [unedited: readonly Cell[], edited: readonly Cell[]]
}

export interface SavedValue extends SentShape {
  readonly name: string
  readonly statistics?: Statistics
  readonly values: readonly Cell[]
}

export interface Comparison {
  /** For models with logits: the likeliest tokens of both runs, the likeliest first. */
  readonly tokens?: readonly ComparedToken[]
  readonly position?: number
  /** For models without logits. */
  readonly outputs?: readonly ComparedOutput[]
  readonly saved: readonly SavedValue[]
  readonly printed: readonly string[]
}

/** The inputs on which two models are compared: some that are made up, the page's own, or texts. */
export interface Comparing {
  readonly on: (typeof comparedInputs)[number]
  readonly texts?: readonly string[]
}
export const comparedInputs = ['many', 'input', 'texts'] as const

/** POST api/comparison: where the second model differs, and which modules cause it. The answer is a line of JSON for each part. */
export interface ComparisonRequest extends RunRequest {
  readonly comparing: Comparing
}
/** The steps are inputs. */
export type ComparisonPart = ProgressPart<ComparedModels>

/** A difference over all inputs. A number that is not finite is null. */
export interface SentDifference {
  /** The difference's length as a share of the value's length. */
  readonly relative: number | null
  /** The ratio of signal to noise in dB. */
  readonly snr: number | null
  readonly max: number | null
  readonly cosine: number | null
  readonly nonFinite: number
  readonly clipped: number
}

/** What `compare` returns, as JSON. */
export interface ComparedModels {
  readonly models: { readonly a: string; readonly b: string }
  readonly inputs: readonly string[]
  readonly output: {
    readonly metric: string
    readonly mean: number | null
    readonly worst: { readonly value: number | null; readonly input: string }
  }
  readonly logits: { readonly top1: number; readonly top5: number } | null
  readonly pairs: readonly { readonly a: string; readonly b: string; readonly by: string }[]
  readonly unpaired: { readonly a: readonly string[]; readonly b: readonly string[] }
  readonly modules: readonly {
    readonly module: string
    readonly error: SentDifference
    readonly arriving: SentDifference | null
    readonly made: SentDifference | null
  }[]
  readonly blame: readonly {
    readonly module: string
    readonly node: string | null
    readonly share: number
    readonly interval: readonly [number, number]
    readonly effect: number
  }[]
  readonly culprit: string | null
  readonly unexplained: { readonly outside: number; readonly rest: number }
  readonly advice: string
}

/** POST api/parting: what both models predict after each token of one of the inputs, some positions at a time. */
export interface PartingRequest extends ComparisonRequest {
  readonly input: number
  readonly from?: number
}
export interface PartingTokens {
  /** The first position that is sent. */
  readonly from: number
  /** All tokens of the input. */
  readonly tokens: readonly Token[]
  /** By position: the divergence KL(first ‖ second) in nats. */
  readonly kl: readonly number[]
  /** By position: the likeliest tokens of each model, with the probability that the other gives them. */
  readonly first: readonly (readonly Prediction[])[]
  readonly second: readonly (readonly Prediction[])[]
}

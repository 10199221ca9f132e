import type { Inputs } from '../runtime/model/loaded/inputs.ts'
import type { Model } from '../runtime/model/model.ts'
import type { Take } from './places/take.ts'
import type { HarvestProgress } from './progress.ts'
import type { StoredDtype } from './shards/float.ts'
import type { ShardFormat } from './shards/shard.ts'

/** Documents: paths of files and folders, or the documents themselves, which may be made while the harvest runs. */
export type HarvestSource<T> = string | readonly string[] | AsyncIterable<T> | Iterable<T>

/** Options of `harvest()`. One of `texts`, `ids`, `tensors` and `images` is the source. */
export interface HarvestOptions {
  /**
   * The places whose values are kept, by pattern: `transformer.h.*.output`. `*` stands for one part of a path, `**` for any number. Hooks of
   * TransformerLens work too: `blocks.*.hook_resid_post`.
   */
  readonly at: string | readonly string[]
  /** The folder that shards are written to, or `s3://bucket/prefix`. If a harvest was interrupted, the same call goes on. */
  readonly out: string
  /** Texts, for a model with a tokenizer: .txt (a text in each line), .jsonl, .parquet or .arrow files, or texts. A string is a path. */
  readonly texts?: HarvestSource<string>
  /** Token ids: .jsonl, .parquet, .arrow, .safetensors or .npy files, or lists of ids. */
  readonly ids?: HarvestSource<readonly number[]>
  /** Inputs of any model: .safetensors or .npy files, or inputs by name. The first axis counts documents. */
  readonly tensors?: HarvestSource<Exclude<Inputs, string>>
  /**
   * Images, for a model whose first input is `[batch, colours, rows, columns]`: files, folders of them, or the bytes of files. They are scaled, cut
   * and normalised as the model's preprocessor_config.json says. It needs `npm install sharp`.
   */
  readonly images?: HarvestSource<Uint8Array>
  /** The field or column of texts or ids. @default 'text', or 'input_ids' */
  readonly column?: string
  /** Which rows a document gives. @default 'all' for a model of tokens, 'whole' for others */
  readonly take?: Take
  /** The dtype of stored values. @default 'float32' */
  readonly dtype?: StoredDtype
  /** The format of shards. @default 'safetensors' */
  readonly format?: ShardFormat
  /** An edit of the model: values are read after it. An edited model may be passed instead. */
  readonly edit?: (model: Model) => void | Promise<void>
  /** The most tokens that the model sees at once. @default what it was made for */
  readonly contextLength?: number
  /** What becomes of a longer document: its parts run one by one, or only its beginning is kept. @default 'split' */
  readonly long?: 'split' | 'cut'
  /** The most documents to read. @default all */
  readonly limit?: number
  /** The tokens that run together: documents of one length in one batch. For a model without tokens, the documents. @default 2048, or 16 */
  readonly batchSize?: number
  /**
   * Whether each document runs by itself. @default false; true for an edited model, because an edit may treat the documents of a batch
   * differently, and for a model whose documents affect each other
   */
  readonly alone?: boolean
  /** The least rows of a shard but the last. @default as many as fill 64 MiB */
  readonly shardRows?: number
  /** The bytes that the disk keeps free: with less, the harvest waits. @default 1 GiB */
  readonly keepFree?: number
  /** A queue of workers that make the shards, `redis://host:6379`. They need to reach `out`, and the model by its path, address or hash. */
  readonly queue?: string
  /** With a queue: jobs of a smaller number come first, and those without one before all. */
  readonly priority?: number
  /** With a queue: how often a shard is tried. @default 3 */
  readonly attempts?: number
  /** Called after each batch. */
  readonly onProgress?: (progress: HarvestProgress) => void
  /** Ends the harvest after the batch that runs. Shards that are stored stay, and the same call goes on from there. */
  readonly signal?: AbortSignal
}

export const HARVEST_OPTIONS = [
  ...[
    'at',
    'out',
    'texts',
    'ids',
    'tensors',
    'images',
    'column',
    'take',
    'dtype',
    'format',
    'edit',
    'contextLength',
    'long',
  ],
  ...['limit', 'batchSize', 'alone', 'shardRows', 'keepFree', 'queue', 'priority', 'attempts', 'onProgress', 'signal'],
] as const

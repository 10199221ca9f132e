import type { TensorData } from '../../runtime/tensor/dtypes/data.ts'

/** One document of a source: a text, token ids, or the model's inputs by name, each without the axis of rows. */
export interface Item {
  readonly text?: string
  readonly ids?: readonly number[]
  readonly inputs?: Readonly<Record<string, TensorData>>
  /** The part of the source that has been read with it, from 0 to 1; undefined if it is not known. */
  readonly read?: number
}

/** What the documents of a source are. */
export type Kind = 'texts' | 'ids' | 'tensors' | 'images'

/** A file that documents are read from. */
export interface SourceFile {
  readonly path: string
  readonly size: number
  /** For a file elsewhere: gets it, and gives its path here. */
  readonly fetched?: () => Promise<string>
}

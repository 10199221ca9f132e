import { HarvestError } from '../runtime/errors/harvest.ts'
import type { Language } from '../runtime/language-inputs/language.ts'
import type { TensorData } from '../runtime/tensor/dtypes/data.ts'
import type { Item } from './sources/item.ts'

/** A part of a document that the model sees at once: the whole, or as many tokens as fit. */
export interface Piece {
  /** The number of the document in the source. */
  readonly document: number
  /** The first token's position in the document. */
  readonly start: number
  readonly ids?: readonly number[]
  readonly inputs?: Readonly<Record<string, TensorData>>
  /** Where the next piece begins. */
  readonly next: Mark
  /** The part of the source that has been read, from 0 to 1. */
  readonly read?: number
}

/** A place between two pieces. */
export interface Mark {
  readonly document: number
  readonly token: number
}

export interface Cutting {
  readonly language: Language | undefined
  /** The most tokens that the model sees at once; undefined for a model without such a limit. */
  readonly context: number | undefined
  /** What becomes of longer documents. */
  readonly long: 'split' | 'cut'
  /** The most documents to read. */
  readonly limit: number
}

/** The pieces of documents from a mark on. Documents before it are read, but not tokenised. A document without tokens has no pieces. */
export async function* piecesOf(
  items: AsyncIterable<Item>,
  { language, context = Number.POSITIVE_INFINITY, long, limit }: Cutting,
  from: Mark,
): AsyncGenerator<Piece> {
  let document = -1
  for await (const { text, ids: given, inputs, read } of items) {
    document++
    if (document >= limit) return
    if (document < from.document) continue
    const after = { document: document + 1, token: 0 }
    const seen = read === undefined ? {} : { read }
    if (inputs) {
      yield { document, start: 0, inputs, next: after, ...seen }
      continue
    }
    const ids = given ?? idsOf(text!, language)
    const count = long === 'cut' ? Math.min(ids.length, context) : ids.length
    for (let start = 0; start < count; start += context) {
      const end = Math.min(count, start + context)
      if (document === from.document && start < from.token) continue
      const next = end < count ? { document, token: end } : after
      yield { document, start, ids: ids.slice(start, end), next, ...seen }
      if (end === count) break
    }
  }
}

function idsOf(text: string, language: Language | undefined): readonly number[] {
  if (language) return language.idsOf(text)
  throw new HarvestError(
    'The source has texts, and the model was loaded without a tokenizer.',
    'load it with one, LanguageModel.load(folder), or give token ids: ids: […]',
  )
}

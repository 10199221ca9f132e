import type { LoadOptions } from '../../runtime/index.ts'
import type { TensorData } from '../../runtime/tensor/dtypes/data.ts'
import type { OpenOptions } from '../model/open-model.ts'

/** What the process opens: the two models, in the form in which the command line names them. */
export interface Opened {
  readonly a: string
  readonly b: string
  readonly options: Pick<OpenOptions, 'vocab' | 'dtype'> & Pick<LoadOptions, 'provider' | 'threads'>
}

/** The inputs of a comparison: those that `compare` makes up, texts, or one input by name. */
export type SentInputs =
  | { readonly on: 'many' }
  | { readonly on: 'texts'; readonly texts: readonly string[] }
  | { readonly on: 'input'; readonly label: string; readonly tensors: Readonly<Record<string, TensorData>> }

/** Messages to the process that compares. */
export type CompareMessage =
  /** Answered when both models are open. */
  | { readonly kind: 'open' }
  | { readonly kind: 'compare'; readonly inputs: SentInputs }
  | { readonly kind: 'tokens'; readonly inputs: SentInputs; readonly input: number; readonly from: number }

/** What the second model is called, and how a program opens it. */
export interface Beside {
  readonly name: string
  readonly title: string
  readonly opening: { readonly uses: 'load' | 'LanguageModel'; readonly text: string }
}

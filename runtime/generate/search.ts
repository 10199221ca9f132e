import type { TensorData } from '../tensor/dtypes/data.ts'
import type { Tensor } from '../tensor/tensor.ts'
import type { FinishReason } from './endings.ts'
import type { History } from './scores.ts'

/** The next token of each row. */
export interface Chosen {
  readonly tokens: readonly number[]
  /** The row that each one continues; undefined where each continues itself. */
  readonly parents?: readonly number[]
}

/** One sequence of the result, and why it ended. */
export interface Found extends History {
  readonly finishReason: FinishReason
}

/** A way to choose tokens: a part of each step's graph, and what follows from its results. */
export interface Search {
  /** How many rows of the batch each prompt gets. */
  readonly rowsPerPrompt: number
  /** Whether the tokens that a row has never change again, so that its text can be shown while it grows. */
  readonly rowsGoOn: boolean
  /**
   * Records the operations that the search needs on the last position's logits, float `[rows, vocabulary]`. They are the same in every step.
   * @param vocabulary the size of the vocabulary; undefined if it is not known before the model runs
   */
  record(logits: Tensor, vocabulary: number | undefined): Readonly<Record<string, Tensor>>
  /** Fills the operands of the recorded operations for the next step. */
  prepare(step: number, rows: readonly History[]): void
  /** Chooses the next tokens from the computed values of what `record` returned. */
  choose(computed: Readonly<Record<string, TensorData>>, rows: readonly History[]): Chosen
  /** Whether generation is over, now that the chosen tokens have been added to the rows. */
  isOver(rows: readonly History[]): boolean
  /** The sequences of the result, after generation is over: as many for each prompt as the caller wants. */
  found(rows: readonly History[], ended: FinishReason): readonly Found[]
}

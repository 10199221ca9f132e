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
  /** Rows that the model runs on for each prompt. */
  readonly rowsPerPrompt: number
  /** Whether what a row has stays: its text can be shown while it grows. */
  readonly rowsGoOn: boolean
  /**
   * Records what is to be computed of the last position's logits, float `[rows, vocabulary]`: the same in every step.
   * @param vocabulary undefined where it is not known before the model runs
   */
  record(logits: Tensor, vocabulary: number | undefined): Readonly<Record<string, Tensor>>
  /** Prepares the operands of what was recorded, for the step that comes. */
  prepare(step: number, rows: readonly History[]): void
  /** What was recorded is computed. */
  choose(computed: Readonly<Record<string, TensorData>>, rows: readonly History[]): Chosen
  /** Whether nothing is left to be generated, now that the rows have what was chosen. */
  isOver(rows: readonly History[]): boolean
  /** The sequences, once it is over: for each prompt as many as were asked for. */
  found(rows: readonly History[], ended: FinishReason): readonly Found[]
}

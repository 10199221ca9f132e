import type { ModelDescription, Token, ViewRequest } from '../protocol/api.ts'
import type { RunInputs } from '../protocol/form.ts'
import type { Client } from './client.ts'
import type { Change } from './state/use-view-state.ts'
import type { ViewState } from './state/view-state.ts'

/** What the page passes to its tabs. */
export interface PanelProps {
  readonly model: ModelDescription
  readonly client: Client
  /** Undefined if there are no inputs yet. */
  readonly runInputs: RunInputs | undefined
  readonly state: ViewState
  readonly change: Change
  /** Runs an edit, and shows both runs side by side. */
  readonly onEdit: (edit: string) => void
  /** The part of the request that a tab shares with others: the inputs, the row of the batch and, if a side is chosen, the edit. */
  readonly request: ViewRequest
  /** A key that differs whenever the request does. */
  readonly requestKey: string
  /** The tokens of the row that is shown, if the model takes token ids. */
  readonly tokens: readonly Token[] | undefined
  /** The position of the chosen token. */
  readonly position: number | undefined
}

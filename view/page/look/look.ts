/** Which run is shown: as the model is, as the edit changes it, or both with their difference. */
export type Side = 'unedited' | 'edited' | 'compared'
export type TabName = 'module' | 'lens' | 'edit'

/** What is given for an input that is no text and no ids. */
export interface Field {
  readonly kind: 'random' | 'zeros' | 'ones' | 'positions' | 'json' | 'file'
  readonly json: string
  readonly file?: { readonly name: string; readonly base64: string }
}

/** What was typed and chosen for a run. */
export interface Typed {
  readonly kind: 'text' | 'ids'
  /** The text, or the ids as they were typed. */
  readonly text: string
  readonly fields: Readonly<Record<string, Field>>
  readonly dims: Readonly<Record<string, number>>
}

/** A row or a column of a map whose values are listed. */
export interface Line {
  readonly axis: 'row' | 'column'
  /** Where rows are tokens, the token is taken. */
  readonly row: number
  readonly column: number
  readonly order: 'place' | 'magnitude'
}

/** All that the page shows: it stands in the address. */
export interface Look {
  readonly tab: TabName
  readonly module: string
  readonly side: Side
  readonly input?: Typed | undefined
  /** The template that was run. */
  readonly edit?: string | undefined
  /** Of the batch. */
  readonly batch: number
  /** Missing for the last one. */
  readonly token?: number | undefined
  /** Which value of the module; missing for its output. */
  readonly value?: number | undefined
  readonly leading?: readonly number[] | undefined
  readonly pattern?: { readonly node: string; readonly head: number } | undefined
  readonly line: Line
  /** A row of the lens; missing for the model itself. */
  readonly layer?: number | undefined
}

export const firstLine: Line = { axis: 'row', row: 0, column: 0, order: 'place' }
export const firstLook: Look = { tab: 'module', module: '', side: 'compared', batch: 0, line: firstLine }

/** Looks at another module: what was chosen in the last one means nothing there. */
export const atModule = (module: string): Partial<Look> => ({
  module,
  value: undefined,
  leading: undefined,
  pattern: undefined,
  line: firstLine,
})

/** One case of the file. The fixtures have a description of the format. */
export interface Case {
  readonly id: string
  readonly model: string
  readonly file: string
  readonly inputs: InputKeys
  readonly edits?: readonly Edit[]
  readonly reads?: Readonly<Record<string, Expression>>
  readonly sweep?: {
    readonly over: Readonly<Record<string, number>>
    readonly edits: readonly Edit[]
    readonly measure: Expression
  }
  readonly gradients?: { readonly loss: Expression; readonly at: Readonly<Record<string, TapName>> }
  readonly generate?: { readonly tokens: number }
  readonly expect: Readonly<Record<string, string>>
  readonly tolerance: number
  readonly needs?: string
}

export type InputKeys = Readonly<Record<string, { readonly tensor: string }>>
export type TapName = { readonly module: string; readonly point?: 'input' | 'output'; readonly op?: string }

export interface Edit {
  readonly at: TapName
  readonly slice?: string
  readonly do: 'set' | 'add' | 'mul'
  readonly value: Expression
  /** In a generation: the passes in which the edit applies, as a slice. */
  readonly steps?: string
}

export type Expression =
  | number
  | { readonly tensor: string }
  | { readonly read: TapName; readonly slice?: string; readonly before?: boolean; readonly inputs?: InputKeys | string }
  | { readonly current: true }
  | { readonly apply: readonly string[]; readonly to: Expression }
  | {
      readonly fn: string
      readonly args: readonly Expression[]
      readonly axis?: number
      readonly axes?: readonly number[]
      readonly keepdims?: boolean
      readonly dims?: readonly number[]
    }

/** Where something stands: in which piece of the template's text, and at which character of it. */
export interface Place {
  readonly piece: number
  readonly offset: number
}

export type UnaryOperator = '-' | '+' | '~'
export type BinaryOperator =
  | ('+' | '-' | '*' | '/' | '//' | '%' | '@' | '**')
  | ('&' | '|' | '^')
  | ('<' | '<=' | '>' | '>=' | '==' | '!=')

/** One entry of a slice in brackets. */
export type SliceEntry =
  | { readonly kind: 'range'; readonly start?: Expression; readonly stop?: Expression; readonly step?: Expression }
  | { readonly kind: 'ellipsis' }
  | { readonly kind: 'newaxis' }
  /** A number, a list, a mask: what it means depends on its value. */
  | { readonly kind: 'value'; readonly value: Expression }

export interface NamedArgument {
  readonly name: string
  readonly value: Expression
  readonly at: Place
}

export type Expression = { readonly at: Place } & (
  | { readonly kind: 'literal'; readonly value: number | string | boolean | null }
  /** The n-th `${…}`. */
  | { readonly kind: 'hole'; readonly hole: number }
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'list'; readonly items: readonly Expression[] }
  | { readonly kind: 'unary'; readonly operator: UnaryOperator; readonly operand: Expression }
  | {
      readonly kind: 'binary'
      readonly operator: BinaryOperator
      readonly left: Expression
      readonly right: Expression
    }
  | { readonly kind: 'member'; readonly object: Expression; readonly name: string }
  | { readonly kind: 'index'; readonly object: Expression; readonly entries: readonly SliceEntry[] }
  | {
      readonly kind: 'call'
      readonly callee: Expression
      readonly positional: readonly Expression[]
      readonly named: readonly NamedArgument[]
    }
)

/** What a `for` goes through: a:b:c, or anything that has elements. */
export type Iterated =
  | { readonly kind: 'range'; readonly start: Expression; readonly stop: Expression; readonly step?: Expression }
  | { readonly kind: 'value'; readonly value: Expression }

export type Statement = { readonly at: Place } & (
  | {
      readonly kind: 'assign'
      readonly target: Expression
      /** Of `+=` and the like. */
      readonly operator?: BinaryOperator
      readonly value: Expression
    }
  /** Without a value it saves the variable as it stands. */
  | { readonly kind: 'save'; readonly name: string; readonly value?: Expression }
  | { readonly kind: 'skip'; readonly module: Expression; readonly value?: Expression }
  | { readonly kind: 'stop' }
  | { readonly kind: 'print'; readonly values: readonly Expression[] }
  | {
      readonly kind: 'for'
      readonly name: string
      readonly iterated: Iterated
      readonly body: readonly Statement[]
    }
  /** A value that nothing is done with: only the REPL has a use for it. */
  | { readonly kind: 'value'; readonly value: Expression }
)

/** Whether statements change a model: they write to a place in it, or leave a module out. A name alone is a variable of the template's own. */
export function writes(statements: readonly Statement[]): boolean {
  return statements.some(
    statement =>
      statement.kind === 'skip' ||
      (statement.kind === 'assign' && statement.target.kind !== 'name') ||
      (statement.kind === 'for' && writes(statement.body)),
  )
}

/** A template that can't be read: where, why, and what to write. */
export class TemplateSyntaxError extends Error {
  readonly at: Place
  readonly fix: string | undefined

  constructor(message: string, at: Place, fix?: string) {
    super(message)
    this.name = 'TemplateSyntaxError'
    this.at = at
    this.fix = fix
  }
}

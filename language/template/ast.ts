/** A place in a template: the piece of its text, and the offset in it. */
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
  /** The value decides whether this is an index, a list or a mask. */
  | { readonly kind: 'value'; readonly value: Expression }

export interface NamedArgument {
  readonly name: string
  readonly value: Expression
  readonly at: Place
}

export type Expression = { readonly at: Place } & (
  | { readonly kind: 'literal'; readonly value: number | string | boolean | null }
  /** The n-th `${…}` of the template. */
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

/** The values that a `for` iterates over: a range a:b:c, or anything with elements. */
export type Iterated =
  | { readonly kind: 'range'; readonly start: Expression; readonly stop: Expression; readonly step?: Expression }
  | { readonly kind: 'value'; readonly value: Expression }

export type Statement = { readonly at: Place } & (
  | {
      readonly kind: 'assign'
      readonly target: Expression
      /** The operator of a compound assignment such as `+=`. */
      readonly operator?: BinaryOperator
      readonly value: Expression
    }
  /** Saves a value under a name; without a value, it saves the variable as it is. */
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
  /** A value that is not used. Only the REPL accepts it, and shows it. */
  | { readonly kind: 'value'; readonly value: Expression }
)

/**
 * Whether statements change a model: they write to a place in it, or skip a module. A plain name is a variable of the template, and no
 * place.
 */
export function writes(statements: readonly Statement[]): boolean {
  return statements.some(
    statement =>
      statement.kind === 'skip' ||
      (statement.kind === 'assign' && statement.target.kind !== 'name') ||
      (statement.kind === 'for' && writes(statement.body)),
  )
}

/** Thrown for a template that can't be parsed: where, why, and what to write instead. */
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

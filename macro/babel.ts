import type * as BabelCore from '@babel/core'

/** The Babel that runs the macro, version 7 or 8. The macro imports no Babel of its own. */
export type Babel = typeof BabelCore
export type NodePath<N = BabelCore.types.Node> = BabelCore.NodePath<N>
export type t = typeof BabelCore.types
export type { types } from '@babel/core'

/** For each block's function, its call, if the call must be awaited when the block waits. */
export type LateBlocks = WeakMap<object, BabelCore.types.CallExpression | undefined>

/** The state of one file's expansion. */
export interface Context {
  readonly babel: Babel
  readonly t: t
  readonly program: NodePath<BabelCore.types.Program>
  /** The file's text as lines. */
  readonly lines: readonly string[]
  /**
   * Names that nothing in the file has: for a block's context, for a variable's setter (whether to set it, and the value), and for the list
   * of infos.
   */
  readonly names: Readonly<Record<'blockContext' | 'set' | 'value' | 'info', BabelCore.types.Identifier>>
  /** The infos of the file's blocks, in the order in which they were expanded. */
  readonly infos: BabelCore.types.StringLiteral[]
  /** Further declarations that the expansions need at the head of the file. */
  readonly declared: BabelCore.types.VariableDeclarator[]
  /** The file's path, relative to the folder that Babel runs in; undefined for text without a file. */
  readonly file: string | undefined
  /** The name of the namespace import of `onnsight/internal`. */
  readonly runtime: BabelCore.types.Identifier
  /** Whether the text is a cell of a notebook: names that it does not declare are variables of earlier cells. */
  readonly isCell: boolean
  /** Makes a new name for a declaration at the head of the file. In cells that share a context, no two names are the same. */
  uid(hint: string): BabelCore.types.Identifier
  /** Functions whose scope Babel must crawl again once they are expanded. */
  readonly crawled: WeakSet<object>
  /** Calls and expressions that are expanded already. The expansion of an outer block leaves them as they are. */
  readonly expanded: WeakSet<object>
  /** The blocks of `invoke`, `iter` and `all`, which may be made async. If the call returns a value at once, the call is then awaited. */
  readonly lateBlocks: LateBlocks
  /** The calls of `iter` and `all` whose blocks were made async. */
  readonly awaited: WeakSet<object>
  /** For each function that waits, the variable that holds the scope of its call. */
  readonly callScopes: WeakMap<object, BabelCore.types.Identifier>
  /** Conditions that already compute their value, if it is a tensor. */
  readonly forcedTests: WeakSet<object>
  fail(path: NodePath, message: string): Error
}

/** Returns the expression inside TypeScript's `as`, `satisfies` and `!`, and inside parentheses. */
export function withoutTypes(node: BabelCore.types.Node): BabelCore.types.Node {
  switch (node.type) {
    case 'TSAsExpression':
    case 'TSSatisfiesExpression':
    case 'TSNonNullExpression':
    case 'TSTypeAssertion':
    case 'ParenthesizedExpression':
      return withoutTypes(node.expression)
    default:
      return node
  }
}

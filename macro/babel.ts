import type * as BabelCore from '@babel/core'

/** The Babel that calls: 7 or 8. Nothing here imports one of its own. */
export type Babel = typeof BabelCore
export type NodePath<N = BabelCore.types.Node> = BabelCore.NodePath<N>
export type t = typeof BabelCore.types
export type { types } from '@babel/core'

/** By the block’s function: its call, where that is to be awaited if the block waits. */
export type LateBlocks = WeakMap<object, BabelCore.types.CallExpression | undefined>

/** What one file's expansion carries from place to place. */
export interface Context {
  readonly babel: Babel
  readonly t: t
  readonly program: NodePath<BabelCore.types.Program>
  /** The file's own text, line by line. */
  readonly lines: readonly string[]
  /** Names in the expansions that nothing in the file has: the block's context, whether a variable is set and to what, the list of infos. */
  readonly names: Readonly<Record<'blockContext' | 'set' | 'value' | 'info', BabelCore.types.Identifier>>
  /** The infos of the file's blocks, in the order of their expansion. */
  readonly infos: BabelCore.types.StringLiteral[]
  /** What else the expansions need at the file's head. */
  readonly declared: BabelCore.types.VariableDeclarator[]
  /** Relative to the folder that Babel runs in; undefined for text without a file. */
  readonly file: string | undefined
  /** The namespace of `onnsight/internal`. */
  readonly runtime: BabelCore.types.Identifier
  /** Names that it declares nowhere are variables of earlier cells. */
  readonly isCell: boolean
  /** A name for what stands at the file's head; of cells in one context no two have the same. */
  uid(hint: string): BabelCore.types.Identifier
  /** Functions whose variables Babel has to look for anew when they are expanded. */
  readonly crawled: WeakSet<object>
  /** Calls that are expanded already: an outer block leaves them as they are. */
  readonly expanded: WeakSet<object>
  /** Blocks of `invoke`, `iter` and `all`: they may be made to wait. Where the call gives a value at once, it is awaited then. */
  readonly lateBlocks: LateBlocks
  /** Calls of `iter` and `all` whose blocks were made to wait. */
  readonly awaited: WeakSet<object>
  /** Where functions that wait hold what they run in. */
  readonly callScopes: WeakMap<object, BabelCore.types.Identifier>
  /** Tests whose tensor, if it is one, is forced already. */
  readonly forcedTests: WeakSet<object>
  fail(path: NodePath, message: string): Error
}

/** What stands within TypeScript's `as`, `satisfies` and `!`, and within parentheses. */
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

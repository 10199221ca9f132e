import type { Scope, SourceCode } from 'eslint'
import type * as ESTree from 'estree'

interface HasParent {
  /** Null for the file itself, which the type leaves out. */
  readonly parent: Node
}

/** A node of ESTree as ESLint passes it, with its parent. It may also be a node that only TypeScript has. */
export type Node = ESTree.Node & HasParent
export type NodeOf<T extends Node['type']> = Extract<Node, { type: T }>
export type FunctionNode = NodeOf<'ArrowFunctionExpression'> | NodeOf<'FunctionExpression'>

const wrappers = new Set(['TSAsExpression', 'TSSatisfiesExpression', 'TSNonNullExpression', 'TSTypeAssertion'])

/** The expression inside TypeScript's `as`, `satisfies` and `!`. */
export function unwrap(node: unknown): Node {
  let at = node as Node
  while (wrappers.has(at.type)) at = (at as unknown as { expression: Node }).expression
  return at
}

/** Whether a node is TypeScript's `as`, `satisfies` or `!`. */
export function isWrapper(node: Node): boolean {
  return wrappers.has(node.type)
}

/** The nearest parent that is not TypeScript's `as`, `satisfies` or `!`, and its child that contains the node. */
export function enclosing(node: Node): { parent: Node; child: Node } {
  let child = node
  while (wrappers.has(child.parent.type)) child = child.parent
  return { parent: child.parent, child }
}

export function isFunction(node: unknown): node is FunctionNode {
  return /^(Arrow)?FunctionExpression$/.test((node as Node).type)
}

const isFunctionLike = (node: Node): boolean => isFunction(node) || node.type === 'FunctionDeclaration'

/** The function that contains a node; null at the top level. Class fields and static blocks count as functions, because they run at another time. */
export function functionAround(node: Node): Node | null {
  for (let at = node.parent; at; at = at.parent)
    if (isFunctionLike(at) || at.type === 'PropertyDefinition' || at.type === 'StaticBlock') return at
  return null
}

export function isWithin(node: Node, outer: Node): boolean {
  for (let at: Node | null = node; at; at = at.parent) if (at === outer) return true
  return false
}

export const startOf = (node: Node): number => node.range?.[0] ?? 0
export const endOf = (node: Node): number => node.range?.[1] ?? 0

/** A member's name if it is written in the code: `a.b`, `a['b']`, `a[0]`. */
export function memberName(node: NodeOf<'MemberExpression'>): string | undefined {
  const { property, computed } = node
  if (!computed) return property.type === 'Identifier' ? property.name : undefined
  const key = unwrap(property)
  if (key.type === 'Literal' && (typeof key.value === 'string' || typeof key.value === 'number'))
    return String(key.value)
  return undefined
}

/** The variable that an identifier refers to. */
export function variableOf(identifier: NodeOf<'Identifier'>, source: SourceCode): Scope.Variable | undefined {
  for (let scope: Scope.Scope | null = source.getScope(identifier); scope; scope = scope.upper) {
    const variable = scope.set.get(identifier.name)
    if (variable) return variable
  }
  return undefined
}

/** The value of a variable that is set only at its declaration: `const h = …`. */
export function initOf(variable: Scope.Variable): Node | undefined {
  const [definition] = variable.defs
  if (variable.defs.length !== 1 || definition?.type !== 'Variable') return undefined
  const declarator = definition.node
  if (declarator.type !== 'VariableDeclarator' || declarator.id.type !== 'Identifier' || !declarator.init)
    return undefined
  const isChanged = variable.references.some(reference => reference.isWrite() && !reference.init)
  return isChanged ? undefined : (declarator.init as Node)
}

/** Visits a node and all nodes inside it. */
export function walk(node: Node, source: SourceCode, visit: (node: Node) => void): void {
  visit(node)
  for (const child of childrenOf(node, source)) walk(child, source, visit)
}

export function childrenOf(node: Node, source: SourceCode): Node[] {
  const keys = source.visitorKeys[node.type] ?? []
  return keys.flatMap(key => {
    const value = (node as unknown as Record<string, unknown>)[key]
    return (Array.isArray(value) ? value : [value]).filter(Boolean) as Node[]
  })
}

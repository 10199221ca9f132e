import type { Scope, SourceCode } from 'eslint'
import type { Names } from './macro-names.ts'
import {
  bare,
  childrenOf,
  type FunctionNode,
  functionAround,
  isFunction,
  memberName,
  type Node,
  type NodeOf,
  variableOf,
} from './nodes.ts'

/** A trace whose block is written in its place. */
export interface TracedBlock {
  readonly call: NodeOf<'CallExpression'> & Node
  readonly block: FunctionNode
  /** The variables that stand for the traced model: the one it was given, and the block's parameter. */
  readonly models: ReadonlySet<Scope.Variable>
  /** Whether the macro expands it: then operators and conditions are those of tensors. */
  readonly expanded: boolean
}

/** What a call of `trace(model, …, () => …)`, or of `model.trace(…, m => …)` on a loaded model, holds; undefined for other calls. */
export function tracedBlock(
  call: NodeOf<'CallExpression'> & Node,
  names: Names,
  source: SourceCode,
): TracedBlock | undefined {
  const block = call.arguments.at(-1)
  if (!block || !isFunction(block)) return undefined
  const callee = bare(call.callee)
  const expanded = names.macro(callee) === 'trace'
  let model: Node | undefined
  if (expanded) model = call.arguments.length > 1 ? bare(call.arguments[0]) : undefined
  else if (callee.type === 'MemberExpression' && memberName(callee) === 'trace') model = bare(callee.object)
  const variable = model?.type === 'Identifier' ? variableOf(model as NodeOf<'Identifier'>, source) : undefined
  if (!expanded && (!variable || !names.isLoaded(variable))) return undefined
  const models = new Set<Scope.Variable>()
  if (variable) models.add(variable)
  const [parameter] = block.params
  if (parameter?.type === 'Identifier') {
    const own = source.scopeManager.getDeclaredVariables(block).find(({ name }) => name === parameter.name)
    if (own) models.add(own)
  }
  return { call, block: block as FunctionNode, models, expanded }
}

/** Whether a trace has a backend of the user's, which may do anything with it. */
export function hasBackend({ call, expanded }: TracedBlock): boolean {
  const options = call.arguments[expanded ? 2 : 1]
  if (call.arguments.length < (expanded ? 4 : 3) || !options) return false
  const given = bare(options)
  if (given.type !== 'ObjectExpression') return true
  return given.properties.some(
    property => property.type !== 'Property' || property.key.type !== 'Identifier' || property.key.name === 'backend',
  )
}

/** Whether a trace in a function may turn out to stand in a session or in another trace, where values flow on. */
export function mayFlowOn(call: Node, names: Names, source: SourceCode): boolean {
  const owner = functionAround(call)
  if (!owner) return false
  if (names.localName('session') !== undefined || /\.session\s*\(/.test(source.text)) return true
  // Of a function, the parameters would come too.
  const variables = source.scopeManager.getDeclaredVariables(
    owner.parent.type === 'VariableDeclarator' ? owner.parent : owner,
  )
  return variables
    .filter(({ defs }) => defs.every(({ type }) => type !== 'Parameter'))
    .some(variable => variable.references.some(({ identifier }) => isInBlock(identifier as Node, names)))
}

const forms = new Set(['trace', 'scan', 'edit', 'session', 'explain', 'record'])

/** Whether a node stands in a function that is given to a trace, a session, or the like: values flow on there. */
export function isInBlock(node: Node, names: Names): boolean {
  for (let at: Node = node; at.parent; at = at.parent) {
    const call = at.parent
    if (!isFunction(at) || call.type !== 'CallExpression' || !call.arguments.includes(at as never)) continue
    const callee = bare(call.callee)
    if (names.macro(callee) !== undefined) return true
    if (callee.type === 'MemberExpression' && forms.has(memberName(callee) ?? '')) return true
  }
  return false
}

/** The callbacks of `invoke(…)` that stand in a block directly: they run once, as part of it. */
export function invokesIn(block: FunctionNode, names: Names, source: SourceCode): FunctionNode[] {
  const found: FunctionNode[] = []
  const visit = (node: Node): void => {
    if (node.type === 'CallExpression' && names.macro(node.callee) === 'invoke') {
      const callback = node.arguments.at(-1)
      if (callback && isFunction(callback)) found.push(callback as FunctionNode)
    }
    if (node !== block && (isFunction(node) || node.type === 'FunctionDeclaration')) return
    for (const child of childrenOf(node, source)) visit(child)
  }
  visit(block)
  return found
}

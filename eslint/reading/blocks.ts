import type { Scope, SourceCode } from 'eslint'
import type { ImportedNames } from './imported-names.ts'
import {
  childrenOf,
  type FunctionNode,
  functionAround,
  isFunction,
  memberName,
  type Node,
  type NodeOf,
  unwrap,
  variableOf,
} from './nodes.ts'

/** A call that traces a model, with the block written inside the call. */
export interface TracedBlock {
  readonly call: NodeOf<'CallExpression'> & Node
  readonly block: FunctionNode
  /** The variables that hold the traced model: the variable passed to the call, and the block's parameter. */
  readonly models: ReadonlySet<Scope.Variable>
  /** Whether the macro expands the call. Then operators and conditions in the block work on tensors. */
  readonly expanded: boolean
}

/** Reads a call as `trace(model, …, () => …)`, or as `model.trace(…, m => …)` on a loaded model. Returns undefined for other calls. */
export function findTrace(
  call: NodeOf<'CallExpression'> & Node,
  names: ImportedNames,
  source: SourceCode,
): TracedBlock | undefined {
  const block = call.arguments.at(-1)
  if (!block || !isFunction(block)) return undefined
  const callee = unwrap(call.callee)
  const expanded = names.macro(callee) === 'trace'
  let model: Node | undefined
  if (expanded) model = call.arguments.length > 1 ? unwrap(call.arguments[0]) : undefined
  else if (callee.type === 'MemberExpression' && memberName(callee) === 'trace') model = unwrap(callee.object)
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

/** Whether a trace may have a backend in its options. A backend of the user may do anything with the trace. */
export function hasBackend({ call, expanded }: TracedBlock): boolean {
  const options = call.arguments[expanded ? 2 : 1]
  if (call.arguments.length < (expanded ? 4 : 3) || !options) return false
  const object = unwrap(options)
  if (object.type !== 'ObjectExpression') return true
  return object.properties.some(
    property => property.type !== 'Property' || property.key.type !== 'Identifier' || property.key.name === 'backend',
  )
}

/** Whether a trace in a function may run inside a session or another trace. There, values that are not saved stay usable. */
export function mayRunInsideAnother(call: Node, names: ImportedNames, source: SourceCode): boolean {
  const owner = functionAround(call)
  if (!owner) return false
  if (names.localName('session') !== undefined || /\.session\s*\(/.test(source.text)) return true
  // getDeclaredVariables of a function also returns its parameters.
  const variables = source.scopeManager.getDeclaredVariables(
    owner.parent.type === 'VariableDeclarator' ? owner.parent : owner,
  )
  return variables
    .filter(({ defs }) => defs.every(({ type }) => type !== 'Parameter'))
    .some(variable => variable.references.some(({ identifier }) => isInBlock(identifier as Node, names)))
}

const blockMethods = new Set(['trace', 'scan', 'edit', 'session', 'explain', 'record'])

/** Whether a node is inside a function that is passed to a trace, a session or the like. There, values that are not saved stay usable. */
export function isInBlock(node: Node, names: ImportedNames): boolean {
  for (let at: Node = node; at.parent; at = at.parent) {
    const call = at.parent
    if (!isFunction(at) || call.type !== 'CallExpression' || !call.arguments.includes(at as never)) continue
    const callee = unwrap(call.callee)
    if (names.macro(callee) !== undefined) return true
    if (callee.type === 'MemberExpression' && blockMethods.has(memberName(callee) ?? '')) return true
  }
  return false
}

/** The callbacks of the calls of `invoke(…)` directly in a block. Each of them runs once, as part of the block. */
export function invokesIn(block: FunctionNode, names: ImportedNames, source: SourceCode): FunctionNode[] {
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

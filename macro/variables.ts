import { type Context, type NodePath, type types, withoutTypes } from './babel.ts'

export interface OuterVariables {
  /** Pulled in at the block's start, pushed back at its end. */
  readonly local: readonly string[]
  /** Assigned where they are, as other functions look at them too. */
  readonly live: readonly string[]
}

/** The variables from outside that a block assigns. */
export function outerVariables(
  block: NodePath<types.Function>,
  call: NodePath,
  { t, isCell, fail }: Context,
): OuterVariables {
  if (!assignsNames(block.node, t)) return { local: [], live: [] }
  const assigned = new Map<string, NodePath>()
  const note = (path: NodePath, target: types.Node): void => {
    for (const name of targetNames(target))
      if (!assigned.has(name) && isOuter(name, path, block)) assigned.set(name, path)
  }
  block.traverse({
    AssignmentExpression: path => note(path, path.node.left),
    UpdateExpression: path => note(path, path.node.argument),
    ForXStatement(path) {
      if (path.node.left.type !== 'VariableDeclaration') note(path, path.node.left)
    },
  })
  const local: string[] = []
  const live: string[] = []
  for (const [name, path] of assigned) {
    const binding = path.scope.getBinding(name)
    if (!binding && isCell) {
      live.push(name)
      continue
    }
    if (!binding)
      throw fail(
        path,
        `${name} is assigned in a traced block, but it is declared nowhere. Declare it before the trace: let ${name}`,
      )
    // 'local' is a function expression's own name.
    if (['const', 'module', 'local'].includes(binding.kind)) {
      throw fail(path, `${name} is assigned in a traced block, but it is a constant. Declare it with let`)
    }
    const owner = call.getFunctionParent()?.node
    const isShared = [...binding.referencePaths, ...binding.constantViolations].some(use => {
      const user = use.getFunctionParent()?.node
      return use.findParent(parent => parent === block) ? user !== block.node : user !== owner
    })
    ;(isShared || !isWaitedFor(call) ? live : local).push(name)
  }
  return { local, live }
}

/** Whether the function around it does nothing before the block has ended; else it may look at the variables meanwhile. */
function isWaitedFor(call: NodePath): boolean {
  let outer = call
  while (outer.parentPath && withoutTypes(outer.parent) !== outer.parent) outer = outer.parentPath
  const { parent } = outer
  return (
    parent.type === 'AwaitExpression' ||
    parent.type === 'ReturnStatement' ||
    (parent.type === 'ArrowFunctionExpression' && outer.key === 'body')
  )
}

/**
 * What else of the scope around it the block reads: an array or an object there may hold what the block puts into it. Functions and
 * plain constants hold nothing.
 */
export function reachedVariables(
  block: NodePath<types.Function>,
  assigned: OuterVariables,
  { t, runtime }: Context,
): types.Expression[] {
  const known = new Set([...assigned.local, ...assigned.live, runtime.name])
  const found = new Map<string, types.Expression>()
  block.traverse({
    enter(path) {
      if (isType(path.node)) path.skip()
    },
    Identifier(path) {
      const { name } = path.node
      if (known.has(name) || found.has(name) || !path.isReferencedIdentifier()) return
      const binding = path.scope.getBinding(name)
      if (binding && isOuter(name, path as NodePath, block) && mayHold(binding.path))
        found.set(name, t.identifier(name))
    },
    ThisExpression(path) {
      const owner = path.findParent(parent => parent === block || isOwnThis(parent))
      if (owner === block && block.isArrowFunctionExpression()) found.set('this', t.thisExpression())
    },
  })
  return [...found.values()]
}

/** Names in types are gone when the program runs. */
const isType = (node: types.Node): boolean =>
  (node.type.startsWith('TS') && withoutTypes(node) === node && node.type !== 'TSInstantiationExpression') ||
  /Type(Annotation|Parameter\w*|Alias)$/.test(node.type)

/** Has a `this` of its own. */
const isOwnThis = (path: NodePath): boolean =>
  (path.isFunction() && !path.isArrowFunctionExpression()) ||
  path.isClassProperty() ||
  path.isClassPrivateProperty() ||
  path.isStaticBlock()

function mayHold(declared: NodePath): boolean {
  if (declared.isFunction() || declared.isClass() || declared.isTSEnumDeclaration()) return false
  if (!declared.isVariableDeclarator()) return true
  const { init } = declared.node
  const isConstant = declared.parent.type === 'VariableDeclaration' && declared.parent.kind === 'const'
  return !(isConstant && init && (isLiteral(init) || /^(Arrow)?FunctionExpression$/.test(init.type)))
}

const isLiteral = (node: types.Node): boolean => /Literal$/.test(withoutTypes(node).type)

/** A quick look: most blocks assign to places of the model, and to nothing else. */
function assignsNames(block: types.Node, t: Context['t']): boolean {
  let found = false
  t.traverseFast(block, node => {
    if (node.type === 'AssignmentExpression') found ||= targetNames(node.left).length > 0
    else if (node.type === 'UpdateExpression') found ||= targetNames(node.argument).length > 0
    else if (node.type === 'ForOfStatement' || node.type === 'ForInStatement')
      found ||= node.left.type !== 'VariableDeclaration'
  })
  return found
}

/** The variables that an assignment's left side sets: through patterns, and through TypeScript's `as` and `!`. */
function targetNames(target: types.Node | null): string[] {
  if (!target) return []
  const bare = withoutTypes(target)
  if (bare !== target) return targetNames(bare)
  switch (target.type) {
    case 'Identifier':
      return [target.name]
    case 'ArrayPattern':
      return target.elements.flatMap(targetNames)
    case 'ObjectPattern':
      return target.properties.flatMap(property =>
        targetNames(property.type === 'ObjectProperty' ? property.value : property),
      )
    case 'AssignmentPattern':
      return targetNames(target.left)
    case 'RestElement':
      return targetNames(target.argument)
    default:
      return []
  }
}

function isOuter(name: string, path: NodePath, block: NodePath): boolean {
  const binding = path.scope.getBinding(name)
  if (!binding) return true
  return binding.scope.path !== block && !binding.scope.path.findParent(parent => parent === block)
}

import { type Context, type NodePath, type types, withoutTypes } from './babel.ts'
import { type BlockNames, isType, targetsOf } from './block-names.ts'

export interface OuterVariables {
  /** Variables that are copied into the block when it begins, and assigned when it has ended. */
  readonly local: readonly string[]
  /** Variables that the block assigns directly, because other functions use them too. */
  readonly live: readonly string[]
}

/** Kinds of bindings that can't be assigned. 'local' is the own name of a function expression. */
const CONSTANT: readonly string[] = ['const', 'module', 'local']

/** Finds the outer variables that a block assigns. */
export function outerVariables(
  block: NodePath<types.Function>,
  call: NodePath,
  names: BlockNames,
  { isCell, fail }: Context,
): OuterVariables {
  const assigned = assignedOutside(block, call, names)
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
    if (CONSTANT.includes(binding.kind)) {
      throw fail(path, `${name} is assigned in a traced block, but it is a constant. Declare it with let`)
    }
    const owner = call.getFunctionParent()?.node
    const isShared = [...binding.referencePaths, ...binding.constantViolations].some(use => {
      const user = use.getFunctionParent()?.node
      return use.findParent(parent => parent === block) ? user !== block.node : user !== owner
    })
    // If the block declares the same name itself, the copy would be a second declaration.
    const isOwnToo = block.scope.hasOwnBinding(name)
    ;(isShared || isOwnToo || !isWaitedFor(call) ? live : local).push(name)
  }
  return { local, live }
}

/** Whether the function around the call does nothing until the block has ended. If not, it may use the variables meanwhile. */
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
 * Returns each outer variable that the block assigns, with a path where it does so. A name that can be assigned around the block, and that
 * nothing in the block declares, is found without its path.
 */
function assignedOutside(
  block: NodePath<types.Function>,
  call: NodePath,
  { assigned: names, declared }: BlockNames,
): Map<string, NodePath> {
  const isPlain = (name: string): boolean =>
    !declared.has(name) && !CONSTANT.includes(call.scope.getBinding(name)?.kind ?? 'const')
  if ([...names].every(isPlain)) return new Map([...names].map(name => [name, call]))
  const assigned = new Map<string, NodePath>()
  const note = (path: NodePath): void => {
    for (const name of targetsOf(path.node))
      if (!assigned.has(name) && isOuter(name, path, block)) assigned.set(name, path)
  }
  block.traverse({ AssignmentExpression: note, UpdateExpression: note, ForXStatement: note })
  return assigned
}

/**
 * Returns the other outer variables that the block reads and that may hold what the block puts into them: arrays and objects. Functions,
 * plain constants, operands and the model hold nothing.
 */
export function reachedVariables(
  block: NodePath<types.Function>,
  call: NodePath<types.CallExpression>,
  names: BlockNames,
  assigned: OuterVariables,
  { t, runtime }: Context,
): types.Expression[] {
  const known = new Set([...assigned.local, ...assigned.live, runtime.name])
  const [model] = call.node.arguments
  if (model?.type === 'Identifier') known.add(model.name)
  const candidates = [...names.handled].filter(name => {
    const binding = known.has(name) ? undefined : call.scope.getBinding(name)
    return binding && mayHold(binding.path)
  })
  const hidden = new Set(candidates.filter(name => names.declared.has(name)))
  const read = hidden.size > 0 ? readOutside(block, hidden) : hidden
  const found = candidates.filter(name => !hidden.has(name) || read.has(name)).map(name => t.identifier(name))
  return names.readsThis ? [...found, t.thisExpression()] : found
}

/** Returns those of the names that the block declares itself, but also reads in a place where they mean the outer variable. */
function readOutside(block: NodePath<types.Function>, names: ReadonlySet<string>): Set<string> {
  const found = new Set<string>()
  block.traverse({
    enter(path) {
      if (isType(path.node)) path.skip()
    },
    Identifier(path) {
      const { name } = path.node
      if (names.has(name) && path.isReferencedIdentifier() && isOuter(name, path as NodePath, block)) found.add(name)
    },
  })
  return found
}

export function mayHold(declared: NodePath): boolean {
  if (declared.isFunction() || declared.isClass() || declared.isTSEnumDeclaration()) return false
  if (!declared.isVariableDeclarator()) return true
  const { init } = declared.node
  const isConstant = declared.parent.type === 'VariableDeclaration' && declared.parent.kind === 'const'
  return !(isConstant && init && (isLiteral(init) || /^(Arrow)?FunctionExpression$/.test(init.type)))
}

const isLiteral = (node: types.Node): boolean => /Literal$/.test(withoutTypes(node).type)

function isOuter(name: string, path: NodePath, block: NodePath): boolean {
  const binding = path.scope.getBinding(name)
  if (!binding) return true
  return binding.scope.path !== block && !binding.scope.path.findParent(parent => parent === block)
}

import type { Context, NodePath, types } from './babel.ts'

export interface OuterVariables {
  /** Pulled in at the block's start, pushed back at its end. */
  readonly local: readonly string[]
  /** Assigned where they are, as other functions look at them too. */
  readonly live: readonly string[]
}

/** The variables from outside that a block assigns. */
export function outerVariables(block: NodePath<types.Function>, call: NodePath, { fail }: Context): OuterVariables {
  const assigned = new Map<string, NodePath>()
  const note = (target: NodePath, names: Record<string, unknown>): void => {
    for (const name of Object.keys(names))
      if (!assigned.has(name) && isOuter(name, target, block)) assigned.set(name, target)
  }
  block.traverse({
    AssignmentExpression: path => note(path, assignmentTargets(path)),
    UpdateExpression(path) {
      const argument = path.get('argument') as NodePath
      if (argument.isIdentifier()) note(path, { [argument.node.name]: true })
    },
    ForXStatement(path) {
      const left = path.get('left') as NodePath
      if (!left.isVariableDeclaration())
        note(path, left.isIdentifier() ? { [left.node.name]: true } : left.getBindingIdentifiers())
    },
  })
  const local: string[] = []
  const live: string[] = []
  for (const [name, path] of assigned) {
    const binding = path.scope.getBinding(name)
    if (!binding)
      throw fail(
        path,
        `${name} is assigned in a traced block, but it is declared nowhere. Declare it before the trace: let ${name}`,
      )
    if (binding.kind === 'const' || binding.kind === 'module') {
      throw fail(path, `${name} is assigned in a traced block, but it is a constant. Declare it with let`)
    }
    const owner = call.getFunctionParent()?.node
    const isShared = [...binding.referencePaths, ...binding.constantViolations].some(use => {
      const user = use.getFunctionParent()?.node
      return use.findParent(parent => parent === block) ? user !== block.node : user !== owner
    })
    ;(isShared ? live : local).push(name)
  }
  return { local, live }
}

/** Babel 8 has a method of its own for this; in Babel 7 the other one includes assignments. */
function assignmentTargets(path: NodePath): Record<string, unknown> {
  const newer = path as { getAssignmentIdentifiers?: () => Record<string, unknown> }
  return newer.getAssignmentIdentifiers?.() ?? path.getBindingIdentifiers()
}

function isOuter(name: string, path: NodePath, block: NodePath): boolean {
  const binding = path.scope.getBinding(name)
  if (!binding) return true
  return binding.scope.path !== block && !binding.scope.path.findParent(parent => parent === block)
}

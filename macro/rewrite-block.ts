import type * as BabelCore from '@babel/core'
import { awaiting, callScopeOf, resuming, waitingForCondition, waitingFunction } from './awaits.ts'
import { type Context, type NodePath, type types, withoutTypes } from './babel.ts'
import { noteMoved } from './bindings.ts'
import { condition, isPlain } from './conditions.ts'
import { type BlockRewriting, rewriteCall, rewriteKey, rewriteSwitch } from './implicit-conversions.ts'
import { blockify, member, withMarks } from './line-marks.ts'
import { equalities, operatorNames, rewriteAssignment } from './operators.ts'
import { type Member, type Models, refuseIndexing } from './refused-indexing.ts'

/** The block that is being rewritten, and the variables that are its model. */
interface Rewritten {
  readonly block: types.Function
  readonly models: Models
}

interface Rewriting {
  current: Rewritten
  readonly visitor: BabelCore.Visitor
  mark(body: types.BlockStatement): void
}

/** All blocks of a file share one visitor, because Babel takes time to prepare each. */
const rewritings = new WeakMap<Context, Rewriting>()

/** Rewrites a block in place: adds line marks, and rewrites operators, conditions and awaits. */
export function rewriteBody(block: NodePath<types.Function>, context: Context, models: Models): void {
  let rewriting = rewritings.get(context)
  if (!rewriting) {
    rewriting = rewritingOf(context)
    rewritings.set(context, rewriting)
  }
  rewriting.current = { block: block.node, models }
  block.get('body').traverse(rewriting.visitor)
  if (block.node.body.type === 'BlockStatement') rewriting.mark(block.node.body)
}

function rewritingOf(context: Context): Rewriting {
  const { t, expanded, forcedTests, awaited, fail } = context
  const { blockContext } = context.names
  const now = {} as Rewriting
  const rewriting: BlockRewriting = {
    get block() {
      return now.current.block
    },
    blockContext,
    context,
  }
  const call = (name: string, ...args: types.Expression[]): types.CallExpression =>
    t.callExpression(member(blockContext, name, t), args)
  const replaceByCall = (path: NodePath, replacement: types.CallExpression): void => {
    path.replaceWith(replacement)
    for (const i of replacement.arguments.keys()) noteMoved(path.get(`arguments.${i}`) as NodePath, context)
  }
  const forceTest = (path: NodePath): void => {
    const test = path.get('test') as NodePath<types.Expression>
    if (test.node && !forcedTests.has(test.node) && !isPlain(test.node))
      test.replaceWith(condition(path, test.node, now.current.block, context, blockContext).test)
  }
  const resumeFirst = (clause: NodePath): void => {
    const fn =
      clause.isBlockStatement() && isFirstVisit(resumed, clause.node)
        ? waitingFunction(clause, now.current.block)
        : undefined
    if (fn) (clause.node as types.BlockStatement).body.unshift(resuming(fn, context, blockContext))
  }
  const resumeAfter = (loop: NodePath): void => {
    const fn = isFirstVisit(resumed, loop.node) ? waitingFunction(loop, now.current.block) : undefined
    let statement = loop
    while (statement.parentPath?.isLabeledStatement()) statement = statement.parentPath
    if (fn) statement.insertAfter(resuming(fn, context, blockContext))
  }
  const marked = new WeakSet<object>()
  const resumed = new WeakSet<object>()
  // Babel visits a node again if something in it was replaced.
  const mark = <K extends 'body' | 'consequent'>(node: { [key in K]: types.Statement[] }, key: K): void => {
    if (isFirstVisit(marked, node)) node[key].splice(0, node[key].length, ...withMarks(node[key], blockContext, t))
  }
  const visitor: BabelCore.Visitor = {
    CallExpression: {
      enter(path) {
        if (expanded.has(path.node)) {
          // Only the lists of arguments are visited, because the block is compiled already.
          for (const argument of path.get('arguments')) if (argument.isArrayExpression()) argument.traverse(visitor)
          path.skip()
        } else if (t.isIdentifier(path.node.callee, { name: 'eval' })) {
          throw fail(path, 'eval() in a traced block can’t be captured: its text is not there at build time')
        }
      },
      exit(path) {
        rewriteCall(path, rewriting)
        if (!awaited.delete(path.node)) return
        const fn = path.parentPath.isAwaitExpression()
          ? undefined
          : waitingForCondition(path, now.current.block, context)
        if (fn) path.replaceWith(awaiting(path.node, fn, context, blockContext))
      },
    },
    OptionalCallExpression: { exit: path => rewriteCall(path as never, rewriting) },
    NewExpression: { exit: path => rewriteCall(path, rewriting) },
    'MemberExpression|OptionalMemberExpression': {
      enter: path => refuseIndexing(path as Member, now.current.models, context),
      exit(path: NodePath) {
        if ((path as Member).node.computed) rewriteKey(path.get('property') as NodePath, rewriting)
      },
    },
    ObjectProperty: {
      exit(path) {
        if (path.node.computed) rewriteKey(path.get('key') as NodePath, rewriting)
      },
    },
    SwitchStatement: { exit: path => rewriteSwitch(path, rewriting) },
    WithStatement(path) {
      throw fail(path, 'with can’t be captured in a traced block')
    },
    TSEnumDeclaration: path => path.skip(),
    BlockStatement: { exit: path => mark(path.node, 'body') },
    SwitchCase: { exit: path => mark(path.node, 'consequent') },
    IfStatement: {
      enter(path) {
        blockify(path, 'consequent', context)
        blockify(path, 'alternate', context)
      },
      exit: forceTest,
    },
    Loop: {
      enter: path => blockify(path, 'body', context),
      exit(path) {
        if (path.isForOfStatement() && path.node.await) {
          resumeFirst(path.get('body') as NodePath)
          resumeAfter(path)
        } else if (!path.isForXStatement()) forceTest(path)
      },
    },
    ConditionalExpression: { exit: path => (expanded.has(path.node) ? undefined : forceTest(path)) },
    TryStatement: {
      exit(path) {
        if (path.node.handler) resumeFirst(path.get('handler.body') as NodePath)
        if (path.node.finalizer) resumeFirst(path.get('finalizer') as NodePath)
      },
    },
    LogicalExpression: {
      exit(path) {
        const { operator, left, right } = path.node
        if (operator === '??' || isPlain(left)) return
        const { test, value } = condition(path, left, now.current.block, context, blockContext)
        const chosen =
          operator === '&&' ? t.conditionalExpression(test, right, value) : t.conditionalExpression(test, value, right)
        expanded.add(chosen)
        path.replaceWith(chosen)
        path.skip()
      },
    },
    UnaryExpression: {
      exit(path) {
        const { operator, argument } = path.node
        if (operator === '-' && !t.isLiteral(argument)) replaceByCall(path, call('neg', argument))
        else if (operator === '!' && !forcedTests.has(argument) && !isPlain(argument))
          path.get('argument').replaceWith(condition(path, argument, now.current.block, context, blockContext).test)
        path.skip()
      },
    },
    BinaryExpression: {
      exit(path) {
        const { operator, left, right } = path.node
        if (operator === 'in') rewriteKey(path.get('left') as NodePath, rewriting)
        const name = operatorNames[operator]
        if (!name || t.isPrivateName(left) || (t.isLiteral(left) && t.isLiteral(right))) return
        if (equalities.has(operator) && (isNeverEqual(left) || isNeverEqual(right))) return
        replaceByCall(path, call(name, left, right))
        path.skip()
      },
    },
    AssignmentExpression: { exit: path => rewriteAssignment(path, now.current.block, blockContext, context) },
    AwaitExpression: {
      exit(path) {
        if (expanded.has(path.node)) return
        const fn = waitingFunction(path, now.current.block)
        if (!fn) return
        path.replaceWith(awaiting(path.node.argument, fn, context, blockContext))
        path.skip()
      },
    },
    YieldExpression: {
      exit(path) {
        const fn = isFirstVisit(resumed, path.node) ? waitingFunction(path, now.current.block) : undefined
        if (!fn) return
        path.replaceWith(call('renew', callScopeOf(fn, context, blockContext), path.node))
        path.skip()
      },
    },
  }
  return Object.assign(now, { visitor, mark: (body: types.BlockStatement) => mark(body, 'body') })
}

function isFirstVisit(seen: WeakSet<object>, node: object): boolean {
  if (seen.has(node)) return false
  seen.add(node)
  return true
}

/** Whether an operand is never equal to a tensor, so that `h === undefined` keeps its JavaScript meaning. */
function isNeverEqual(operand: types.Node): boolean {
  const node = withoutTypes(operand)
  return (
    node.type === 'NullLiteral' ||
    node.type === 'StringLiteral' ||
    node.type === 'TemplateLiteral' ||
    (node.type === 'Identifier' && node.name === 'undefined')
  )
}

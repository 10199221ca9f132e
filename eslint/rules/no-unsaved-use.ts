import type { Rule, Scope, SourceCode } from 'eslint'
import { hasBackend, invokesIn, isInBlock, mayFlowOn, type TracedBlock, tracedBlock } from '../reading/blocks.ts'
import { isHarmlessInside } from '../reading/handles.ts'
import { harmlessMethods, severalMethods, tensorMethods, valueMembers } from '../reading/known-names.ts'
import { type Names, namesOf } from '../reading/macro-names.ts'
import {
  around,
  endOf,
  type FunctionNode,
  functionAround,
  isFunction,
  isWithin,
  memberName,
  type Node,
  startOf,
  walk,
} from '../reading/nodes.ts'
import {
  awaitOf,
  isGuarded,
  isUnconditional,
  laterStatement,
  ownerAmong,
  type Position,
  positionOf,
} from '../reading/order.ts'
import { saving } from '../reading/saving.ts'
import { Values } from '../reading/values.ts'

/** An outer variable that gets a handle in a block, and nothing saves it. */
interface Unsaved {
  readonly variable: Scope.Variable
  /** What is assigned. */
  readonly values: readonly Node[]
  readonly uses: readonly Node[]
}

export const noUnsavedUse: Rule.RuleModule = {
  meta: {
    type: 'problem',
    docs: {
      description: 'disallow the use of a traced tensor after its trace when it was not saved',
      recommended: true,
    },
    hasSuggestions: true,
    schema: [],
    messages: {
      assigned:
        '{{name}} is used after the trace (line {{line}}), but it is not saved here: that throws NotSavedError.',
      used: '{{name}} has no value here: it was assigned in the trace (line {{line}}) without save(). This throws NotSavedError.',
      save: 'Save it in the trace: {{name}} = save(…).',
    },
  },
  create(context) {
    const source = context.sourceCode
    const names = namesOf(source)
    return {
      CallExpression(call) {
        const traced = tracedBlock(call as never, names, source)
        if (!traced || isInBlock(traced.call, names) || mayFlowOn(traced.call, names, source)) return
        for (const { variable, values, uses } of unsavedOf(traced, names, context)) {
          const { name } = variable
          const suggest = [
            { messageId: 'save', data: { name }, fix: saving(values, traced, names, source) },
          ] satisfies Rule.SuggestionReportDescriptor[]
          const lineOf = (node: Node): string => String(node.loc?.start.line)
          for (const value of values)
            context.report({ node: value, messageId: 'assigned', data: { name, line: lineOf(uses[0]) }, suggest })
          for (const use of uses)
            context.report({ node: use, messageId: 'used', data: { name, line: lineOf(values[0]) }, suggest })
        }
      },
    }
  },
}

function unsavedOf(traced: TracedBlock, names: Names, context: Rule.RuleContext): Unsaved[] {
  const { block, call } = traced
  const source = context.sourceCode
  const awaited = awaitOf(call)
  const position = awaited && positionOf(awaited as Node)
  if (!position || block.body.type !== 'BlockStatement' || hasBackend(traced) || mayStop(traced, names)) return []
  const regions = [block, ...(traced.expanded ? invokesIn(block, names, source) : [])]
  const values = new Values(traced, source)
  const assigned = new Set<Scope.Variable>()
  for (const reference of source.scopeManager.acquire(block)?.through ?? [])
    if (reference.resolved && reference.isWrite()) assigned.add(reference.resolved)
  return [...assigned].flatMap(
    variable => unsaved(variable, { traced, names, source, values, regions, position }) ?? [],
  )
}

interface Reading {
  readonly traced: TracedBlock
  readonly names: Names
  readonly source: SourceCode
  readonly values: Values
  /** The block, and the callbacks of its invokes. */
  readonly regions: readonly FunctionNode[]
  /** Where the trace stands. */
  readonly position: Position
}

function unsaved(variable: Scope.Variable, reading: Reading): Unsaved | undefined {
  const { traced, regions, position, values, names } = reading
  const { block, call } = traced
  const owner = functionAround(call)
  const [definition] = variable.defs
  if (definition?.type !== 'Variable' || isWithin(definition.node as Node, block)) return undefined
  if (functionAround(definition.node as Node) !== owner) return undefined
  const writes: Node[] = []
  for (const reference of variable.references) {
    const node = reference.identifier as Node
    if (ownerAmong(node, regions)) {
      if (reference.isWrite()) {
        const { parent } = around(node)
        if (parent.type !== 'AssignmentExpression' || parent.operator !== '=') return undefined
        writes.push(parent as Node)
      } else if (!isHarmlessInside(node, values, names)) return undefined
    } else if (functionAround(node) !== owner && !isLaterCallback(node, reference.isWrite(), reading)) return undefined
  }
  const assigned = writes.map(write => (write as { right?: Node }).right as Node)
  if (assigned.length === 0 || !assigned.every(value => values.tensor(value)?.isOwn)) return undefined
  if (!writes.some(write => isSure(write, regions, reading))) return undefined
  const uses = variable.references.filter(reference => !reference.isWrite()).map(({ identifier }) => identifier as Node)
  if (uses.some(asksFirst)) return undefined
  const failing = uses.filter(use => {
    const statement = laterStatement(position, use)
    if (!statement || !fails(use) || !runsThere(use, reading)) return false
    return !isGuarded(use, statement) && !isOverwritten(variable, use, endOf(call))
  })
  return failing.length > 0 ? { variable, values: assigned, uses: failing } : undefined
}

/** The callback of something that comes after the trace: it can't have run before. */
function isLaterCallback(node: Node, isWrite: boolean, { position }: Reading): boolean {
  const statement = laterStatement(position, node)
  return (
    !isWrite && statement !== undefined && statement.type !== 'FunctionDeclaration' && isFunction(functionAround(node))
  )
}

/** Whether a use belongs to the code around the trace, or to the block of a later trace that is awaited there. */
function runsThere(use: Node, { traced, names, source }: Reading): boolean {
  const owner = functionAround(traced.call)
  const around = functionAround(use)
  if (around === owner) return true
  const call = around?.parent
  if (call?.type !== 'CallExpression' || functionAround(call) !== owner) return false
  return tracedBlock(call as never, names, source) !== undefined && awaitOf(call as Node) !== undefined
}

/** Whether a write happens in each run of the block. */
function isSure(write: Node, regions: readonly FunctionNode[], reading: Pick<Reading, 'source' | 'traced'>): boolean {
  const region = ownerAmong(write, regions)
  if (region?.body.type !== 'BlockStatement') return false
  if (!isUnconditional(write, region.body as Node) || leavesEarly(region, startOf(write), reading.source)) return false
  return region === reading.traced.block || isSure(region as Node, [reading.traced.block], reading)
}

/** Whether stop() may end the block: in it, or in a function that it may call. */
function mayStop({ block }: TracedBlock, names: Names): boolean {
  return names.referencesTo('stop').some(use => isWithin(use, block) || !isInBlock(use, names))
}

/** Whether a return or a throw may come first. */
function leavesEarly(region: FunctionNode, end: number, source: SourceCode): boolean {
  let found = false
  walk(region.body as Node, source, node => {
    if (startOf(node) >= end || functionAround(node) !== region) return
    if (/^(Return|Throw|Break|Continue)Statement$/.test(node.type)) found = true
  })
  return found
}

/** Something is read of it that only a value has. */
function fails(use: Node): boolean {
  const { parent, child } = around(use)
  if (parent.type !== 'MemberExpression' || parent.object !== child) return false
  const name = memberName(parent) ?? ''
  const { parent: outer, child: member } = around(parent as Node)
  const isCall = outer.type === 'CallExpression' && outer.callee === member
  if (outer.type === 'AssignmentExpression' && outer.left === member) return false
  // A promise that nobody awaits here may be meant to fail.
  if (name === 'value') return isCall && awaitOf(outer as Node) !== undefined
  if (name === 'data' || name === 'T' || name === 'mT') return true
  if (harmlessMethods.has(name)) return false
  return isCall && (valueMembers.has(name) || tensorMethods.has(name) || severalMethods.has(name))
}

/** `if (h.computed)`: the code knows. */
function asksFirst(use: Node): boolean {
  const { parent, child } = around(use)
  return parent.type === 'MemberExpression' && parent.object === child && memberName(parent) === 'computed'
}

function isOverwritten(variable: Scope.Variable, use: Node, after: number): boolean {
  return variable.references.some(reference => {
    const at = startOf(reference.identifier as Node)
    return reference.isWrite() && at > after && at < startOf(use)
  })
}

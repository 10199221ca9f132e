import type { Rule, Scope, SourceCode } from 'eslint'
import { addSave } from '../reading/add-save.ts'
import {
  findTrace,
  hasBackend,
  invokesIn,
  isInBlock,
  mayRunInsideAnother,
  type TracedBlock,
} from '../reading/blocks.ts'
import { returnsNoSameTensor } from '../reading/identity.ts'
import { type ImportedNames, namesOf } from '../reading/imported-names.ts'
import { sameTensorMethods, severalTensorMethods, tensorMethods, valueMembers } from '../reading/known-names.ts'
import {
  enclosing,
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
import { Values } from '../reading/values.ts'

/** An outer variable to which a block assigns a tensor that nothing saves. */
interface Unsaved {
  readonly variable: Scope.Variable
  /** The assigned values. */
  readonly values: readonly Node[]
  /** The uses that throw NotSavedError. */
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
        const traced = findTrace(call as never, names, source)
        if (!traced || isInBlock(traced.call, names) || mayRunInsideAnother(traced.call, names, source)) return
        for (const { variable, values, uses } of unsavedOf(traced, names, context)) {
          const { name } = variable
          const suggest = [
            { messageId: 'save', data: { name }, fix: addSave(values, traced, names, source) },
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

function unsavedOf(traced: TracedBlock, names: ImportedNames, context: Rule.RuleContext): Unsaved[] {
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

/** A trace, with what is needed to read the code of its block and after it. */
interface Reading {
  readonly traced: TracedBlock
  readonly names: ImportedNames
  readonly source: SourceCode
  readonly values: Values
  /** The functions whose code runs as part of the trace: the block, and the callbacks of its invokes. */
  readonly regions: readonly FunctionNode[]
  /** The position of the trace's statement. */
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
        const { parent } = enclosing(node)
        if (parent.type !== 'AssignmentExpression' || parent.operator !== '=') return undefined
        writes.push(parent as Node)
      } else if (!returnsNoSameTensor(node, values, names)) return undefined
    } else if (functionAround(node) !== owner && !isLaterCallback(node, reference.isWrite(), reading)) return undefined
  }
  const assigned = writes.map(write => (write as { right?: Node }).right as Node)
  if (assigned.length === 0 || !assigned.every(value => values.tensor(value)?.isOwn)) return undefined
  if (!writes.some(write => isCertain(write, regions, reading))) return undefined
  const uses = variable.references.filter(reference => !reference.isWrite()).map(({ identifier }) => identifier as Node)
  if (uses.some(checksComputed)) return undefined
  const failing = uses.filter(use => {
    const statement = laterStatement(position, use)
    if (!statement || !needsValue(use) || !runsThere(use, reading)) return false
    return !isGuarded(use, statement) && !isOverwritten(variable, use, endOf(call))
  })
  return failing.length > 0 ? { variable, values: assigned, uses: failing } : undefined
}

/** Whether a node is in a callback after the trace, which can't have run before it. */
function isLaterCallback(node: Node, isWrite: boolean, { position }: Reading): boolean {
  const statement = laterStatement(position, node)
  return (
    !isWrite && statement !== undefined && statement.type !== 'FunctionDeclaration' && isFunction(functionAround(node))
  )
}

/** Whether a use is in the same function as the trace, or in the block of a later trace that is awaited there. */
function runsThere(use: Node, { traced, names, source }: Reading): boolean {
  const owner = functionAround(traced.call)
  const enclosing = functionAround(use)
  if (enclosing === owner) return true
  const call = enclosing?.parent
  if (call?.type !== 'CallExpression' || functionAround(call) !== owner) return false
  return findTrace(call as never, names, source) !== undefined && awaitOf(call as Node) !== undefined
}

/** Whether a write happens in every run of the block. */
function isCertain(
  write: Node,
  regions: readonly FunctionNode[],
  reading: Pick<Reading, 'source' | 'traced'>,
): boolean {
  const region = ownerAmong(write, regions)
  if (region?.body.type !== 'BlockStatement') return false
  if (!isUnconditional(write, region.body as Node) || leavesEarly(region, startOf(write), reading.source)) return false
  return region === reading.traced.block || isCertain(region as Node, [reading.traced.block], reading)
}

/** Whether stop() may end the block, called in it or in a function that it may call. */
function mayStop({ block }: TracedBlock, names: ImportedNames): boolean {
  return names.referencesTo('stop').some(use => isWithin(use, block) || !isInBlock(use, names))
}

/** Whether a return or a throw may end the function before this position. */
function leavesEarly(region: FunctionNode, end: number, source: SourceCode): boolean {
  let found = false
  walk(region.body as Node, source, node => {
    if (startOf(node) >= end || functionAround(node) !== region) return
    if (/^(Return|Throw|Break|Continue)Statement$/.test(node.type)) found = true
  })
  return found
}

/** Whether a use needs the tensor's value. */
function needsValue(use: Node): boolean {
  const { parent, child } = enclosing(use)
  if (parent.type !== 'MemberExpression' || parent.object !== child) return false
  const name = memberName(parent) ?? ''
  const { parent: outer, child: member } = enclosing(parent as Node)
  const isCall = outer.type === 'CallExpression' && outer.callee === member
  if (outer.type === 'AssignmentExpression' && outer.left === member) return false
  // If the promise is not awaited here, the program may expect it to fail.
  if (name === 'value') return isCall && awaitOf(outer as Node) !== undefined
  if (name === 'data' || name === 'T' || name === 'mT') return true
  if (sameTensorMethods.has(name)) return false
  return isCall && (valueMembers.has(name) || tensorMethods.has(name) || severalTensorMethods.has(name))
}

/** Whether the code checks for a value first: `if (h.computed)`. */
function checksComputed(use: Node): boolean {
  const { parent, child } = enclosing(use)
  return parent.type === 'MemberExpression' && parent.object === child && memberName(parent) === 'computed'
}

/** Whether the variable is set again between the end of the trace and the use. */
function isOverwritten(variable: Scope.Variable, use: Node, after: number): boolean {
  return variable.references.some(reference => {
    const at = startOf(reference.identifier as Node)
    return reference.isWrite() && at > after && at < startOf(use)
  })
}

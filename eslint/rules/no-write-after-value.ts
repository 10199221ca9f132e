import type { Rule, SourceCode } from 'eslint'
import { findTrace, type TracedBlock } from '../reading/blocks.ts'
import { type ImportedNames, namesOf } from '../reading/imported-names.ts'
import { functionAround, memberName, type Node, type NodeOf, startOf, unwrap, walk } from '../reading/nodes.ts'
import { inList, type Position, positionOf } from '../reading/order.ts'
import { type Place, Values } from '../reading/values.ts'

/** A statement that runs the model up to a value, which was computed from these places. */
interface ComputedValue {
  readonly node: Node
  readonly position: Position
  readonly places: readonly Place[]
}

/** A write to a place. */
interface Written {
  readonly node: Node
  readonly place: Place
}

/** Names of lists whose layers run in order, each on the output of the one before. */
const LISTS = ['h', 'layers', 'layer', 'blocks', 'block']

/** Names of modules that run on the output of the last layer. */
const HEADS = ['lm_head']

export const noWriteAfterValue: Rule.RuleModule = {
  meta: {
    type: 'problem',
    docs: { description: 'disallow writes to a place that a value was already computed from', recommended: true },
    schema: [
      {
        type: 'object',
        properties: {
          lists: { type: 'array', items: { type: 'string' }, uniqueItems: true },
          heads: { type: 'array', items: { type: 'string' }, uniqueItems: true },
        },
        additionalProperties: false,
      },
    ],
    defaultOptions: [{ lists: LISTS, heads: HEADS }],
    messages: {
      late: '{{place}} is written too late: line {{line}} has already run the model up to {{value}}. This throws OutOfOrderError. Move the write before that line.',
    },
  },
  create(context) {
    const source = context.sourceCode
    const names = namesOf(source)
    const { lists = LISTS, heads = HEADS } = (context.options[0] ?? {}) as { lists?: string[]; heads?: string[] }
    const order: Order = { lists: new Set(lists), heads: new Set(heads) }
    return {
      CallExpression(call) {
        const traced = findTrace(call as never, names, source)
        if (!traced || isEdited(traced, names)) return
        const { computed, written, firstChange } = readBlock(traced, names, source)
        for (const { node, place } of written) {
          const earlier = computed.find(
            value =>
              startOf(value.node) < firstChange &&
              comesAfter(node, value.position) &&
              value.places.some(from => dependsOn(from, place, order)),
          )
          if (!earlier) continue
          const from = earlier.places.find(candidate => dependsOn(candidate, place, order)) as Place
          const line = String(earlier.node.loc?.start.line)
          context.report({ node, messageId: 'late', data: { place: show(place), value: show(from), line } })
        }
      },
    }
  },
}

interface BlockRead {
  readonly computed: readonly ComputedValue[]
  readonly written: readonly Written[]
  /** Where the block first changes the model. After that, the rule does not know which value depends on which. */
  readonly firstChange: number
}

function readBlock({ block, ...traced }: TracedBlock, names: ImportedNames, source: SourceCode): BlockRead {
  const values = new Values({ block, ...traced }, source)
  const computed: ComputedValue[] = []
  const written: Written[] = []
  let firstChange = Number.POSITIVE_INFINITY
  const addComputed = (node: Node, expressions: readonly unknown[]): void => {
    const position = positionOf(node)
    const places = expressions.flatMap(expression => values.tensor(expression)?.from ?? [])
    if (position && places.length > 0) computed.push({ node, position, places })
  }
  const write = (node: Node, target: unknown): void => {
    firstChange = Math.min(firstChange, startOf(node))
    const place = unwrap(target).type === 'MemberExpression' ? values.tensor(target)?.place : undefined
    if (place) written.push({ node, place })
  }
  walk(block, source, node => {
    const isOwn = functionAround(node) === block
    switch (node.type) {
      case 'AwaitExpression': {
        const value = isOwn ? computedBy(unwrap(node.argument)) : undefined
        if (value) addComputed(node as Node, [value])
        break
      }
      case 'IfStatement':
        if (isOwn && traced.expanded) addComputed(node.test as Node, [node.test])
        break
      case 'AssignmentExpression':
        if (unwrap(node.left).type !== 'MemberExpression') break
        if (isOwn) write(node as Node, node.left)
        else firstChange = Math.min(firstChange, startOf(node))
        break
      case 'CallExpression': {
        const macro = names.macro(node.callee)
        const callee = unwrap(node.callee)
        const runs = macro === 'print' || macro === 'assert'
        if (runs && isOwn && traced.expanded) addComputed(node as Node, node.arguments)
        const isSet = callee.type === 'MemberExpression' && memberName(callee) === 'set'
        if (isSet && isOwn) write(node as Node, (callee as NodeOf<'MemberExpression'>).object)
        else if (isSet || macro === 'skip' || macro === 'invoke' || macro === 'edit' || macro === 'stop')
          firstChange = Math.min(firstChange, startOf(node))
        break
      }
      default:
    }
  })
  return { computed, written, firstChange }
}

/** The tensor whose value a call computes: `h` in `h.value()`. */
function computedBy(call: Node): unknown {
  if (call.type !== 'CallExpression') return undefined
  const callee = unwrap(call.callee)
  return callee.type === 'MemberExpression' && memberName(callee) === 'value' ? callee.object : undefined
}

/** Whether a node runs only after the statement at `position` has computed its value. */
function comesAfter(node: Node, position: Position): boolean {
  for (let at: Node = node; at.parent; at = at.parent) {
    const own = inList(at)
    if (own?.holder !== position.holder) continue
    if (own.index > position.index) return true
    // The test of `if (h.max().gt(0)) …` runs before its branches.
    return own.index === position.index && at.type === 'IfStatement' && at !== node
  }
  return false
}

/** The names that tell in which order modules run. */
interface Order {
  readonly lists: ReadonlySet<string>
  readonly heads: ReadonlySet<string>
}

/** Whether the value at `from` was certainly computed from the value at `to`, so that a write to `to` comes too late. */
function dependsOn(from: Place, to: Place, { lists, heads }: Order): boolean {
  if ([...from.path, ...to.path].includes(undefined)) return false
  const [last, target] = [from.path as string[], to.path as string[]]
  const shared = last.findIndex((part, i) => part !== target[i])
  // A module's output is computed from its input and from all values inside it.
  if (shared < 0 && from.side === 'output') return target.length > last.length || to.side === 'input'
  const layer = indexAt(last, shared)
  const earlier = indexAt(target, shared < 0 ? last.length : shared)
  if (earlier === undefined) return isHead(last, from, heads) && hasLayer(target, lists)
  if (layer === undefined) return isHead(last, from, heads) && hasLayer(target, lists)
  // This holds only for the layer itself: not every value inside it depends on the earlier layers.
  if (!lists.has(last[shared - 1]) || last.length !== shared + 1) return false
  return earlier < layer
}

const isHead = (path: readonly string[], { side }: Place, heads: ReadonlySet<string>): boolean =>
  side === 'output' && path.length === 1 && heads.has(path[0])

const hasLayer = (path: readonly string[], lists: ReadonlySet<string>): boolean =>
  path.some((part, i) => lists.has(part) && indexAt(path, i + 1) !== undefined)

function indexAt(path: readonly string[], at: number): number | undefined {
  return /^\d+$/.test(path[at] ?? '') ? Number(path[at]) : undefined
}

/** Whether the traced model has a standing edit, which may have replaced the value at a place. */
function isEdited({ models }: TracedBlock, names: ImportedNames): boolean {
  for (const model of models) {
    for (const { identifier, writeExpr } of model.references) {
      const node = identifier as Node
      const call = node.parent
      if (call.type === 'CallExpression' && call.arguments[0] === node && names.macro(call.callee) === 'edit')
        return true
      if (call.type === 'MemberExpression' && memberName(call) === 'edit') return true
      const assigned = writeExpr ? unwrap(writeExpr) : undefined
      const callee = assigned?.type === 'CallExpression' ? unwrap(assigned.callee) : undefined
      if (callee && names.macro(callee) === 'edit') return true
      if (callee?.type === 'MemberExpression' && memberName(callee) === 'edit') return true
    }
  }
  return false
}

function show({ path, side }: Place): string {
  return [...path, side].map((part, i) => (/^\d+$/.test(part ?? '') ? `[${part}]` : i > 0 ? `.${part}` : part)).join('')
}

import type { Rule, SourceCode } from 'eslint'
import { type TracedBlock, tracedBlock } from '../reading/blocks.ts'
import { type Names, namesOf } from '../reading/macro-names.ts'
import { bare, functionAround, memberName, type Node, type NodeOf, startOf, walk } from '../reading/nodes.ts'
import { inList, type Position, positionOf } from '../reading/order.ts'
import { type Place, Values } from '../reading/values.ts'

/** The model was run as far as a value, and so as far as these places. */
interface Forced {
  readonly node: Node
  readonly position: Position
  readonly places: readonly Place[]
}

interface Written {
  readonly node: Node
  readonly place: Place
}

/** Lists whose layers read each other in their order. */
const LISTS = ['h', 'layers', 'layer', 'blocks', 'block']

/** Modules that read the last layer. */
const HEADS = ['lm_head']

export const noWriteAfterValue: Rule.RuleModule = {
  meta: {
    type: 'problem',
    docs: { description: 'disallow writes to a place whose value a forced one has used already', recommended: true },
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
      late: '{{place}} is written too late: {{forced}} was run up to in line {{line}}. This throws OutOfOrderError. Move the write before that line.',
    },
  },
  create(context) {
    const source = context.sourceCode
    const names = namesOf(source)
    const { lists = LISTS, heads = HEADS } = (context.options[0] ?? {}) as { lists?: string[]; heads?: string[] }
    const order: Order = { lists: new Set(lists), heads: new Set(heads) }
    return {
      CallExpression(call) {
        const traced = tracedBlock(call as never, names, source)
        if (!traced || isEdited(traced, names)) return
        const { forced, written, firstChange } = readBlock(traced, names, source)
        for (const { node, place } of written) {
          const earlier = forced.find(
            value =>
              startOf(value.node) < firstChange &&
              comesAfter(node, value.position) &&
              value.places.some(from => dependsOn(from, place, order)),
          )
          if (!earlier) continue
          const from = earlier.places.find(candidate => dependsOn(candidate, place, order)) as Place
          const line = String(earlier.node.loc?.start.line)
          context.report({ node, messageId: 'late', data: { place: show(place), forced: show(from), line } })
        }
      },
    }
  },
}

interface BlockRead {
  readonly forced: readonly Forced[]
  readonly written: readonly Written[]
  /** Where the block first changes the model: after that, what depends on what is another matter. */
  readonly firstChange: number
}

function readBlock({ block, ...traced }: TracedBlock, names: Names, source: SourceCode): BlockRead {
  const values = new Values({ block, ...traced }, source)
  const forced: Forced[] = []
  const written: Written[] = []
  let firstChange = Number.POSITIVE_INFINITY
  const force = (node: Node, expressions: readonly unknown[]): void => {
    const position = positionOf(node)
    const places = expressions.flatMap(expression => values.tensor(expression)?.from ?? [])
    if (position && places.length > 0) forced.push({ node, position, places })
  }
  const write = (node: Node, target: unknown): void => {
    firstChange = Math.min(firstChange, startOf(node))
    const place = bare(target).type === 'MemberExpression' ? values.tensor(target)?.place : undefined
    if (place) written.push({ node, place })
  }
  walk(block, source, node => {
    const isOwn = functionAround(node) === block
    switch (node.type) {
      case 'AwaitExpression': {
        const value = isOwn ? forcedBy(bare(node.argument)) : undefined
        if (value) force(node as Node, [value])
        break
      }
      case 'IfStatement':
        if (isOwn && traced.expanded) force(node.test as Node, [node.test])
        break
      case 'AssignmentExpression':
        if (bare(node.left).type !== 'MemberExpression') break
        if (isOwn) write(node as Node, node.left)
        else firstChange = Math.min(firstChange, startOf(node))
        break
      case 'CallExpression': {
        const macro = names.macro(node.callee)
        const callee = bare(node.callee)
        const runs = macro === 'print' || macro === 'assert'
        if (runs && isOwn && traced.expanded) force(node as Node, node.arguments)
        const isSet = callee.type === 'MemberExpression' && memberName(callee) === 'set'
        if (isSet && isOwn) write(node as Node, (callee as NodeOf<'MemberExpression'>).object)
        else if (isSet || macro === 'skip' || macro === 'invoke' || macro === 'edit' || macro === 'stop')
          firstChange = Math.min(firstChange, startOf(node))
        break
      }
      default:
    }
  })
  return { forced, written, firstChange }
}

/** `h` of `h.value()`. */
function forcedBy(call: Node): unknown {
  if (call.type !== 'CallExpression') return undefined
  const callee = bare(call.callee)
  return callee.type === 'MemberExpression' && memberName(callee) === 'value' ? callee.object : undefined
}

/** Whether a node is reached only when the statement at `position` has run up to its value. */
function comesAfter(node: Node, position: Position): boolean {
  for (let at: Node = node; at.parent; at = at.parent) {
    const own = inList(at)
    if (own?.holder !== position.holder) continue
    if (own.index > position.index) return true
    // `if (h.max().gt(0)) …`: the test comes first.
    return own.index === position.index && at.type === 'IfStatement' && at !== node
  }
  return false
}

interface Order {
  readonly lists: ReadonlySet<string>
  readonly heads: ReadonlySet<string>
}

/** Whether a value at `from` was surely computed by what reads the value at `to`: a write there can't reach it any more. */
function dependsOn(from: Place, to: Place, { lists, heads }: Order): boolean {
  if ([...from.path, ...to.path].includes(undefined)) return false
  const [last, target] = [from.path as string[], to.path as string[]]
  const shared = last.findIndex((part, i) => part !== target[i])
  // What goes into a module, and all that is inside, goes into what comes out.
  if (shared < 0 && from.side === 'output') return target.length > last.length || to.side === 'input'
  const layer = indexAt(last, shared)
  const earlier = indexAt(target, shared < 0 ? last.length : shared)
  if (earlier === undefined) return isHead(last, from, heads) && hasLayer(target, lists)
  if (layer === undefined) return isHead(last, from, heads) && hasLayer(target, lists)
  // The layer itself: of what is inside, not all depends on the layers before it.
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

/** A standing edit may have put something else in a place already. */
function isEdited({ models }: TracedBlock, names: Names): boolean {
  for (const model of models) {
    for (const { identifier, writeExpr } of model.references) {
      const node = identifier as Node
      const call = node.parent
      if (call.type === 'CallExpression' && call.arguments[0] === node && names.macro(call.callee) === 'edit')
        return true
      if (call.type === 'MemberExpression' && memberName(call) === 'edit') return true
      const made = writeExpr ? bare(writeExpr) : undefined
      const callee = made?.type === 'CallExpression' ? bare(made.callee) : undefined
      if (callee && names.macro(callee) === 'edit') return true
      if (callee?.type === 'MemberExpression' && memberName(callee) === 'edit') return true
    }
  }
  return false
}

function show({ path, side }: Place): string {
  return [...path, side].map((part, i) => (/^\d+$/.test(part ?? '') ? `[${part}]` : i > 0 ? `.${part}` : part)).join('')
}

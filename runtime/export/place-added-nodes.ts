import type { Program } from '../engine/blocks/program.ts'
import {
  type Expression,
  Operation,
  type Recording,
  inputsOf as readBy,
  type Tap,
  Value,
  type Write,
} from '../graph/expression.ts'
import { innermostPath, partsOf } from '../names/innermost.ts'
import type { ModuleNode } from '../names/tree.ts'

/** The edit and the module that an expression's nodes belong to. */
export interface NodePlace {
  /** The number of the edit. */
  readonly edit: number
  /** The path of the module. */
  readonly module: string
}

export interface PlacedRecording {
  readonly recording: Recording
  readonly placeOf: ReadonlyMap<Expression, NodePlace>
}

/**
 * Gives each expression a module, so that the edited graph has the model's module tree, and a module's output there is the last value that
 * was written to it: the node that makes the value belongs to the module, and to no child of it. A value that is written in several places
 * belongs to the innermost module that contains them, and each place gets an Identity.
 */
export function placeAddedNodes(
  program: Program,
  recorded: Recording,
  editOf: (tap: Tap, write: number) => number,
): PlacedRecording {
  const recording = withIdentities(recorded)
  const found = new Map<Expression, { edit: number; modules: Set<string> }>()
  for (const [tap, writes] of recording.writes) {
    const module = moduleOf(tap, program)
    writes.forEach(({ value }, i) => {
      const edit = editOf(tap, i)
      for (const expression of sourcesOf(value.expression, recording)) {
        const known = found.get(expression)
        if (known) {
          known.edit = Math.min(known.edit, edit)
          known.modules.add(module)
        } else found.set(expression, { edit, modules: new Set([module]) })
      }
    })
  }
  const placeOf = new Map<Expression, NodePlace>()
  for (const [expression, { edit, modules }] of found)
    placeOf.set(expression, { edit, module: innermostPath([...modules].map(partsOf)).join('.') })
  return { recording, placeOf }
}

/** A copy of the recording in which the last write of a tap is an Identity if its value is also used elsewhere. */
function withIdentities({ owner, writes, wanted }: Recording): Recording {
  const uses = new Map<Expression, number>()
  const use = (expression: Expression): void => void uses.set(expression, (uses.get(expression) ?? 0) + 1)
  const recording = { owner, writes, wanted }
  const seen = new Set<Expression>()
  for (const list of writes.values()) {
    list.forEach(({ value }, i) => {
      if (i === list.length - 1) use(value.expression)
      for (const expression of sourcesOf(value.expression, recording)) {
        if (seen.has(expression)) continue
        seen.add(expression)
        for (const input of inputsOf(expression, recording)) use(input)
      }
    })
  }
  const own = new Map<Tap, readonly Write[]>()
  for (const [tap, list] of writes) {
    const last = list[list.length - 1]
    own.set(tap, needsNode(tap, last.value, uses) ? list.with(-1, { value: identity(last), mark: last.mark }) : list)
  }
  return { owner, writes: own, wanted }
}

function needsNode({ direction }: Tap, { expression }: Value, uses: ReadonlyMap<Expression, number>): boolean {
  const { kind } = expression
  // A module's input may be made by any node outside of it, but not be an initializer, which would not count as an input.
  if (direction === 'in') return kind === 'operand' || kind === 'constant'
  if (kind === 'operation') return expression.outputs > 1 || uses.get(expression)! > 1
  return kind !== 'application' || expression.from.tensor === expression.to.tensor || uses.get(expression)! > 1
}

function identity({ value, mark }: Write): Value {
  return new Value(new Operation('Identity', '', [value], {}, 1, mark), 0, value.type, value.dims)
}

/** The expression, and all recorded ones that it is computed from. */
function sourcesOf(expression: Expression, recording: Recording): Set<Expression> {
  const found = new Set([expression])
  for (const each of found) for (const input of inputsOf(each, recording)) found.add(input)
  return found
}

/** The expressions that an expression is computed from. A read after a tap's last write has none: it reads the module's output like any node. */
function inputsOf(expression: Expression, { writes }: Recording): Expression[] {
  if (expression.kind !== 'read') return readBy(expression).flatMap(input => (input ? [input.expression] : []))
  if (expression.writes === 0) return []
  const list = writes.get(expression.tap) ?? []
  return expression.writes < list.length ? [list[expression.writes - 1].value.expression] : []
}

/** The module for the node that makes the value written at a tap. */
function moduleOf({ scope, direction, tensor }: Tap, { taps, graph }: Program): string {
  const { tree } = taps
  if (scope === 'weight') return weightModule(tree.root, tensor)?.path ?? ''
  const ofNode = /^node:(\d+)$/.exec(scope)
  if (ofNode) return tree.scopeOf(graph.nodes[Number(ofNode[1])]).path
  return direction === 'out' ? scope : (tree.get(scope)?.parent?.path ?? '')
}

function weightModule(module: ModuleNode, tensor: string): ModuleNode | undefined {
  if ([...module.weights.values()].includes(tensor)) return module
  for (const child of module.children.values()) {
    const found = weightModule(child, tensor)
    if (found) return found
  }
  return undefined
}

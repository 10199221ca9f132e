import type { Program } from '../engine/blocks/program.ts'
import { type Expression, Operation, type Recording, type Tap, Value, type Write } from '../graph/expression.ts'
import type { ModuleNode } from '../names/tree.ts'

/** Where an expression's nodes belong. */
export interface Home {
  /** Which edit made it. */
  readonly edit: number
  /** The path of a module. */
  readonly module: string
}

export interface Housed {
  readonly recording: Recording
  readonly homes: ReadonlyMap<Expression, Home>
}

/**
 * Gives each expression a module, so that the tree of the edited graph is that of the model, and what leaves a module there is what the
 * last write put in its place: the node that makes it lies in the module, and outside of its children. A value that serves several
 * places lies in the module around them, and an Identity in each.
 */
export function findHomes(program: Program, given: Recording, editOf: (tap: Tap, write: number) => number): Housed {
  const recording = withOwnNodes(given)
  const found = new Map<Expression, { edit: number; modules: Set<string> }>()
  for (const [tap, writes] of recording.writes) {
    const module = moduleOf(tap, program)
    writes.forEach(({ value }, i) => {
      const edit = editOf(tap, i)
      for (const expression of behind(value.expression, recording)) {
        const known = found.get(expression)
        if (known) {
          known.edit = Math.min(known.edit, edit)
          known.modules.add(module)
        } else found.set(expression, { edit, modules: new Set([module]) })
      }
    })
  }
  const homes = new Map<Expression, Home>()
  for (const [expression, { edit, modules }] of found) homes.set(expression, { edit, module: around([...modules]) })
  return { recording, homes }
}

/** The recording with an Identity as the last write of each tap whose value is not made for that tap alone. */
function withOwnNodes({ owner, writes, wanted }: Recording): Recording {
  const uses = new Map<Expression, number>()
  const use = (expression: Expression): void => void uses.set(expression, (uses.get(expression) ?? 0) + 1)
  const recording = { owner, writes, wanted }
  const seen = new Set<Expression>()
  for (const list of writes.values()) {
    list.forEach(({ value }, i) => {
      if (i === list.length - 1) use(value.expression)
      for (const expression of behind(value.expression, recording)) {
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
  // What enters a module is made outside of it, by whomever; a weight is nothing that enters.
  if (direction === 'in') return kind === 'operand' || kind === 'constant'
  if (kind === 'operation') return expression.outputs > 1 || uses.get(expression)! > 1
  return kind !== 'application' || expression.from.tensor === expression.to.tensor || uses.get(expression)! > 1
}

function identity({ value, mark }: Write): Value {
  return new Value(new Operation('Identity', '', [value], {}, 1, mark), 0, value.type, value.dims)
}

/** The expression, and those that it is computed from, as far as they were recorded for it. */
function behind(expression: Expression, recording: Recording): Set<Expression> {
  const found = new Set([expression])
  for (const each of found) for (const input of inputsOf(each, recording)) found.add(input)
  return found
}

/** What an expression is computed from. What reads a tap as it stands at the end reads what leaves a module, as all others do. */
function inputsOf(expression: Expression, { writes }: Recording): Expression[] {
  if (expression.kind === 'operation') return expression.inputs.flatMap(input => (input ? [input.expression] : []))
  if (expression.kind === 'application') return [expression.input.expression]
  if (expression.kind !== 'read' || expression.writes === 0) return []
  const list = writes.get(expression.tap) ?? []
  return expression.writes < list.length ? [list[expression.writes - 1].value.expression] : []
}

/** The module that a node belongs to which makes the value that is read behind the tap. */
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

/** The innermost module that holds all. */
function around(modules: readonly string[]): string {
  let shared = modules[0].split('.')
  for (const module of modules) {
    const parts = module.split('.')
    const differs = shared.findIndex((part, i) => part !== parts[i])
    if (differs >= 0) shared = shared.slice(0, differs)
  }
  return shared.join('.')
}

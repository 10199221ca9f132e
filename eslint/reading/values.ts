import type { Scope, SourceCode } from 'eslint'
import type { TracedBlock } from './blocks.ts'
import { modelMembers, moduleMembers, newTensorMethods, tensorMethods } from './known-names.ts'
import { initOf, memberName, type Node, type NodeOf, unwrap, variableOf } from './nodes.ts'

/** A module's path from the model. A part is undefined if it is known only when the program runs. */
export type Path = readonly (string | undefined)[]

/** An output or input of a module. */
export interface Place {
  readonly path: Path
  readonly side: 'output' | 'input'
}

/** What is known of an expression in a block. */
export type Known =
  | { readonly kind: 'module'; readonly path: Path }
  /** `.outputs`, `.ops` and so on: an object whose members have names, and what kind of member they are. */
  | { readonly kind: 'named'; readonly of: 'tensor' | 'operations' | 'operation' }
  | { readonly kind: 'operation' }
  /**
   * A tensor of the trace. `from` has places that it is certainly computed from, and `place` is the one that it was read from. `isOwn`: no
   * variable holds the same tensor.
   */
  | {
      readonly kind: 'tensor'
      readonly from: readonly Place[]
      readonly place: Place | undefined
      readonly isOwn: boolean
    }

const operators = new Set(['+', '-', '*', '/', '**', '%', '<', '<=', '>', '>='])

/** Finds out what the expressions in a traced block are. The answer is undefined if it is not certain. */
export class Values {
  readonly #traced: TracedBlock
  readonly #source: SourceCode

  constructor(traced: TracedBlock, source: SourceCode) {
    this.#traced = traced
    this.#source = source
  }

  of(expression: unknown): Known | undefined {
    const node = unwrap(expression)
    switch (node.type) {
      case 'Identifier':
        return this.#ofVariable(node as NodeOf<'Identifier'>)
      case 'MemberExpression':
        return this.#ofMember(node)
      case 'CallExpression':
        return this.#ofCall(node)
      case 'BinaryExpression':
        return operators.has(node.operator) ? this.#computed([node.left as Node, node.right as Node]) : undefined
      case 'UnaryExpression':
        return node.operator === '-' ? this.#computed([node.argument as Node]) : undefined
      case 'AssignmentExpression':
        return node.operator === '=' ? this.of(node.right) : undefined
      default:
        return undefined
    }
  }

  tensor(node: unknown): Extract<Known, { kind: 'tensor' }> | undefined {
    const known = this.of(node)
    return known?.kind === 'tensor' ? known : undefined
  }

  #ofVariable(node: NodeOf<'Identifier'>): Known | undefined {
    const variable = variableOf(node, this.#source)
    if (!variable) return undefined
    if (this.#traced.models.has(variable)) return { kind: 'module', path: [] }
    const init = initOf(variable)
    const known = init ? this.of(init) : this.#layerOf(variable)
    // The tensor is not its own: this variable holds it too.
    return known?.kind === 'tensor' ? { ...known, isOwn: false } : known
  }

  /** The module that a loop's variable holds: `for (const layer of model.transformer.h)`. */
  #layerOf(variable: Scope.Variable): Known | undefined {
    const [definition] = variable.defs
    if (variable.defs.length !== 1 || definition?.type !== 'Variable') return undefined
    const { node, parent } = definition
    const loop = (parent as Node | null)?.parent
    if (loop?.type !== 'ForOfStatement' || loop.left !== parent || node.id.type !== 'Identifier') return undefined
    const list = this.of(loop.right)
    return list?.kind === 'module' && list.path.length > 0
      ? { kind: 'module', path: [...list.path, undefined] }
      : undefined
  }

  #ofMember(node: NodeOf<'MemberExpression'>): Known | undefined {
    const object = this.of(node.object)
    if (!object || node.optional) return undefined
    const name = memberName(node)
    switch (object.kind) {
      case 'module':
        return this.#memberOfModule(object.path, name, node.computed)
      case 'named':
        if (object.of === 'tensor') return { kind: 'tensor', from: [], place: undefined, isOwn: true }
        return object.of === 'operations' ? { kind: 'named', of: 'operation' } : { kind: 'operation' }
      case 'operation':
        return name === 'output' || name === 'input'
          ? { kind: 'tensor', from: [], place: undefined, isOwn: true }
          : undefined
      case 'tensor':
        return name === 'T' || name === 'mT' ? { ...object, place: undefined } : undefined
    }
  }

  #memberOfModule(path: Path, name: string | undefined, computed: boolean): Known | undefined {
    const isModel = path.length === 0
    if (name === undefined) return isModel || !computed ? undefined : { kind: 'module', path: [...path, undefined] }
    // A model may have several outputs, so `model.output` is not certain.
    if ((name === 'output' || name === 'input') && !isModel) {
      const place: Place = { path, side: name }
      return { kind: 'tensor', from: [place], place, isOwn: true }
    }
    if (name === 'outputs' || name === 'inputs' || name === 'weights') return { kind: 'named', of: 'tensor' }
    if (name === 'ops') return { kind: 'named', of: 'operations' }
    return (isModel ? modelMembers : moduleMembers).has(name) ? undefined : { kind: 'module', path: [...path, name] }
  }

  #ofCall(node: NodeOf<'CallExpression'>): Known | undefined {
    const callee = unwrap(node.callee)
    const args = node.arguments as Node[]
    if (node.optional) return undefined
    if (callee.type === 'MemberExpression' && !callee.computed && !callee.optional) {
      const object = this.of(callee.object)
      const name = memberName(callee) ?? ''
      if (object?.kind === 'tensor') return this.#ofOperation(object, name)
      if (object?.kind === 'module' && moduleMembers.has(name)) {
        const key = unwrap(args[0] ?? node)
        const literal = key.type === 'Literal' && (typeof key.value === 'string' || typeof key.value === 'number')
        if (name === 'child' || (name === 'at' && object.path.length > 0))
          return { kind: 'module', path: [...object.path, literal ? String(key.value) : undefined] }
      }
      if (object?.kind === 'module' && object.path.length === 0) {
        if (name === 'tensor') return { kind: 'tensor', from: [], place: undefined, isOwn: true }
        if (name === 'node') return { kind: 'operation' }
      }
    }
    // The call may apply a module to a tensor.
    const module = this.of(callee)
    return module?.kind === 'module' && module.path.length > 0 ? this.#applied(args) : undefined
  }

  #ofOperation(object: Extract<Known, { kind: 'tensor' }>, name: string): Known | undefined {
    if (!tensorMethods.has(name)) return undefined
    return { ...object, place: undefined, isOwn: object.isOwn || newTensorMethods.has(name) }
  }

  /** The result of an operator. It is a tensor only if the macro expands the block. */
  #computed(operands: readonly Node[]): Known | undefined {
    if (!this.#traced.expanded) return undefined
    const tensors = operands.map(operand => this.tensor(operand))
    if (tensors.every(tensor => tensor === undefined)) return undefined
    return { kind: 'tensor', from: tensors.flatMap(tensor => tensor?.from ?? []), place: undefined, isOwn: true }
  }

  #applied(args: readonly Node[]): Known {
    return { kind: 'tensor', from: args.flatMap(arg => this.tensor(arg)?.from ?? []), place: undefined, isOwn: true }
  }
}

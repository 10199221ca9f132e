import { NotDifferentiableError } from '../../errors/gradient.ts'
import { warn } from '../../errors/warn.ts'
import { type DifferentiableUnit, differentiate } from '../../gradients/differentiate.ts'
import type { ForwardNode, ForwardValue } from '../../gradients/forward-node.ts'
import { refusalOf } from '../../gradients/rules/index.ts'
import { zerosLike } from '../../gradients/shapes.ts'
import { tensorKey } from '../../graph/elements-key.ts'
import { Constant, type Expression, type Gradient, LinkedValue, Operation, Value } from '../../graph/expression.ts'
import { leavesOf, operationsBehind } from '../../graph/leaves.ts'
import type { TensorData } from '../../tensor/dtypes/data.ts'
import type { DataType } from '../../tensor/dtypes/dtype.ts'
import { castTo } from '../../tensor/ops/support/kernel.ts'
import { newHandle, stateOf, type Tensor } from '../../tensor/tensor.ts'
import { RECORDED_OPSET } from '../sessions/recorded-opset.ts'
import type { GrowingForm } from './growing-form.ts'
import type { LinkedShapes } from './linked-shapes.ts'
import { recordedUnit } from './recorded-unit.ts'
import { constantId, recordedId, resultId, type Unit } from './unit.ts'
import { attributesOf } from './unit-attributes.ts'

/** Replaces a gradient by the operations that compute it, which follow from the units that compute the differentiated value. */
export class Backward {
  /** The version of the operator set of the model's nodes. */
  readonly #opset: number
  readonly #form: GrowingForm
  readonly #shapes: LinkedShapes
  /** The first block that a gradient passes; infinite if none does. */
  firstBlock = Number.POSITIVE_INFINITY
  readonly #constants = new Map<string, Constant>()
  /** Values of 16 bits, cast to float32. */
  readonly #wide = new Map<string, Tensor>()

  constructor(opset: number, form: GrowingForm, shapes: LinkedShapes) {
    this.#opset = opset
    this.#form = form
    this.#shapes = shapes
  }

  /**
   * The units that compute a gradient, producers first. The gradient's own unit reads the value, the places, and the value's gradient if the
   * user gave one. @throws NotDifferentiableError
   */
  unitsOf(unit: Unit, gradient: Gradient, before: readonly Unit[]): Unit[] {
    const number = unit.expression!
    const [of, ...others] = unit.inputs
    const at = others.slice(0, gradient.at.length)
    const seed = gradient.seed && this.#value(others[gradient.at.length]).tensor
    const found = differentiate(
      {
        units: before.map(each => this.#differentiable(each, gradient)),
        of,
        at,
        seed,
        value: id => this.#value(id),
      },
      ({ block }) => {
        if (block !== undefined) this.firstBlock = Math.min(this.firstBlock, block)
      },
    )
    found.forEach((each, i) => {
      if (!each && !gradient.isQuiet) warnOfZero(gradient, i)
    })
    const units: Unit[] = []
    const emitted = new Set<Expression>()
    const results = found.map((each, i) => {
      const result = each ?? zerosLike(this.#value(at[i]).tensor)
      return stateOf(castTo(result, this.#shapes.get(at[i]).type)).value
    })
    results.forEach((value, i) => {
      this.#emit(value, number, emitted, units)
      units.push(this.#identity(value, number, i))
    })
    return units
  }

  /** Adds the units that compute a value. */
  #emit(value: Value, gradient: number, emitted: Set<Expression>, units: Unit[]): void {
    for (const operation of operationsBehind(value, emitted)) {
      emitted.add(operation)
      units.push(this.#operation(operation, gradient))
    }
    this.#note(value)
  }

  #operation(operation: Operation, gradient: number): Unit {
    const number = this.#form.add(operation)
    for (const input of operation.inputs) if (input) this.#note(input)
    return this.#unit(operation, number, gradient)
  }

  #identity(value: Value, gradient: number, output: number): Unit {
    const operation = new Operation('Identity', '', [value], {}, 1, undefined)
    return { ...this.#unit(operation, gradient, gradient), outputs: [resultId(gradient, output)] }
  }

  /** The unit of an operation that belongs to a gradient, whose line its errors name. */
  #unit(operation: Operation, number: number, gradient: number): Unit {
    const unit = recordedUnit(operation, number, value => this.#idOf(value))
    return { ...unit, expression: gradient, isOfGradient: true }
  }

  #note(value: Value): void {
    if (value.expression.kind === 'operation') this.#shapes.add(this.#idOf(value), value.type, value.dims)
  }

  /** The id of a value in the linked graph. Operands that rules create, such as numbers, become constants. */
  #idOf(value: Value): string {
    const { expression } = value
    if (expression.kind === 'linked') return expression.id
    if (expression.kind === 'operand' || expression.kind === 'constant')
      return constantId(this.#form.add(this.#constant(expression.data)))
    return recordedId(this.#form, value)
  }

  /** Returns the same constant for all tensors with the same elements. */
  #constant(data: TensorData): Constant {
    const key = tensorKey(data)
    const known = this.#constants.get(key)
    if (known) return known
    const constant = new Constant(data)
    this.#constants.set(key, constant)
    return constant
  }

  /**
   * A value of the forward pass, as rules see it. Values of 16 bits are cast to float32, and so the backward pass runs in float32: in 16 bits
   * its factors, such as 1 / σ³ of a norm, overflow, and small gradients become 0.
   */
  #value(id: string): ForwardValue {
    const { type, dims, named } = this.#shapes.get(id)
    const tensor =
      this.#wide.get(id) ??
      castTo(newHandle(new Value(new LinkedValue(id), 0, type, dims)), isHalf(type) ? 'float32' : type)
    if (isHalf(type)) this.#wide.set(id, tensor)
    return { tensor, named, ...this.#shapes.constantOf(id) }
  }

  /** What flows on at a hook: its recorded operations, on the gradient that arrives. */
  #hooked({ expression: { outgoing, incoming }, reads }: NonNullable<Unit['hook']>, gradient: Tensor): Tensor {
    const copies = new Map<Expression, Operation>()
    const ids = new Map(leavesOf(outgoing).map((leaf, i) => [leaf, reads[i]]))
    const copied = (value: Value): Value => {
      const { expression, output, type, dims } = value
      if (expression === incoming.expression) return stateOf(castTo(gradient, incoming.type)).value
      const copy = copies.get(expression)
      if (copy) return new Value(copy, output, type, undefined)
      return expression.kind === 'constant' ? value : new Value(new LinkedValue(ids.get(value)!), 0, type, dims)
    }
    for (const operation of operationsBehind(outgoing))
      copies.set(operation, operation.on(operation.inputs.map(input => input && copied(input))))
    return castTo(newHandle(copied(outgoing)), gradient.type)
  }

  #differentiable(unit: Unit, gradient: Gradient): DifferentiableUnit & Pick<Unit, 'block'> {
    const { opType, domain } = unit.operation ?? unit.node!
    const optional = (id: string): ForwardValue | undefined => (id === '' ? undefined : this.#value(id))
    return {
      opType,
      block: unit.block,
      inputs: unit.inputs,
      captures: unit.captures.map(([, id]) => id),
      outputs: unit.outputs,
      isDetached: unit.operation?.isDetached ?? false,
      hook: unit.hook && (incoming => this.#hooked(unit.hook!, incoming)),
      node: (gradients: readonly (Tensor | undefined)[]): ForwardNode => ({
        opType,
        domain,
        attributes: attributesOf(unit),
        opset: unit.operation ? RECORDED_OPSET : this.#opset,
        inputs: unit.inputs.map(optional),
        outputs: unit.outputs.map(optional),
        gradients,
      }),
      noRule: reason =>
        new NotDifferentiableError(
          opType,
          unit.node?.name ?? '',
          unit.operation?.mark ?? gradient.mark,
          reason ?? refusalOf(opType),
        ),
    }
  }
}

const isHalf = (type: DataType): boolean => type === 'float16' || type === 'bfloat16'

/** A place that the value does not depend on is more often a mistake than meant. */
function warnOfZero({ at, mark }: Gradient, index: number): void {
  const { expression } = at[index]
  const label = expression.kind === 'read' ? expression.tap.label : `tensor ${index + 1}`
  const where = mark?.label()
  const line = where ? ` (${where})` : ''
  warn(`The gradient at ${label} is 0, because the value does not depend on it${line}.`, 'zero-gradient')
}

import type { Located } from '../errors/error.ts'
import type { TensorData } from '../tensor/dtypes/data.ts'
import type { DataType } from '../tensor/dtypes/dtype.ts'
import { tensorKey } from './elements-key.ts'

/** An ONNX attribute with its kind, because ONNX distinguishes int from float and JavaScript does not. */
export type Attribute =
  | { readonly int: number }
  | { readonly ints: readonly number[] }
  | { readonly float: number }
  | { readonly string: string }
export type Attributes = Readonly<Record<string, Attribute>>

/** An attribute of an operation in this process. Only rules of gradients make bodies, so a recording that is sent has none. */
export type OperationAttribute = Attribute | { readonly body: Body }
export type OperationAttributes = Readonly<Record<string, OperationAttribute>>

/** The body of a Scan. Its inputs are `LinkedValue`s, whose ids are their names in the body. */
export interface Body {
  readonly inputs: readonly Value[]
  readonly outputs: readonly Value[]
}

/** A dim; undefined if it is not known before the model runs. If even the rank is unknown, the whole dims are undefined. */
export type Dim = number | undefined
/** Dims, outermost first. */
export type Dims = readonly Dim[]

/** The line on which a value was recorded. A `SourcePosition` is made only when an error needs it. */
export type Mark = Located

/** A place in a model where values can be read and written. `key` is unique within the model. */
export interface Tap {
  readonly key: string
  /** The tap as the user writes it, for messages: `transformer.h.1.output`. */
  readonly label: string
  /** The ONNX value that passes here. */
  readonly tensor: string
  /** Whether the value leaves the scope or enters it. */
  readonly direction: 'out' | 'in'
  /** The module's path, or `node:INDEX` for a single node, whose boundary this is. */
  readonly scope: string
}

/** The owner of taps: a trace of one model. */
export interface TapOwner {
  /** Identifies the loaded model and its chosen branches. It is part of keys. */
  readonly program: object
}

export class Operand {
  readonly kind = 'operand'
  readonly data: TensorData
  constructor(data: TensorData) {
    this.data = data
  }
}

/** A small tensor that is part of the recording's key: axes, shapes. A number that the user may vary is an operand instead. */
export class Constant {
  readonly kind = 'constant'
  readonly data: TensorData
  constructor(data: TensorData) {
    this.data = data
  }
}

export class TapRead {
  readonly kind = 'read'
  readonly tap: Tap
  /** How many writes at this tap the value includes: a read before a write keeps the old value. */
  readonly writes: number
  readonly owner: TapOwner
  readonly mark: Mark | undefined
  constructor(tap: Tap, writes: number, owner: TapOwner, mark: Mark | undefined) {
    this.tap = tap
    this.writes = writes
    this.owner = owner
    this.mark = mark
  }
}

/** One ONNX node, in its opset-21 form. */
export class Operation {
  readonly kind = 'operation'
  readonly opType: string
  readonly domain: string
  /** A left-out optional input is undefined. */
  readonly inputs: readonly (Value | undefined)[]
  readonly attributes: OperationAttributes
  readonly outputs: number
  readonly mark: Mark | undefined
  /** Op and attributes as text: their part of a recording's key. */
  readonly signature: string
  /** Whether the operation's inputs get no gradient through it. */
  readonly isDetached: boolean
  constructor(
    opType: string,
    domain: string,
    inputs: readonly (Value | undefined)[],
    attributes: OperationAttributes,
    outputs: number,
    mark: Mark | undefined,
    isDetached = false,
  ) {
    this.isDetached = isDetached
    this.opType = opType
    this.domain = domain
    this.inputs = inputs
    this.attributes = attributes
    this.outputs = outputs
    this.mark = mark
    let signature = domain ? `${domain}.${opType}` : opType
    for (const name in attributes) signature += ` ${name}=${attributeKey(attributes[name])}`
    if (isDetached) signature += ' detached'
    this.signature = signature
  }

  /** The same operation on other inputs. */
  on(inputs: Operation['inputs'], mark = this.mark): Operation {
    return new Operation(this.opType, this.domain, inputs, this.attributes, this.outputs, mark, this.isDetached)
  }
}

/** A module applied to a value: a copy of its nodes between `from` and `to` that reads the value instead of `from`. Weights are shared. */
export class Application {
  readonly kind = 'application'
  readonly module: string
  readonly from: Tap
  readonly to: Tap
  readonly input: Value
  readonly owner: TapOwner
  readonly mark: Mark | undefined
  constructor(module: string, from: Tap, to: Tap, input: Value, owner: TapOwner, mark: Mark | undefined) {
    this.module = module
    this.from = from
    this.to = to
    this.input = input
    this.owner = owner
    this.mark = mark
  }
}

/** The gradients of one value with respect to others. Output `i` is the gradient at `at[i]`, and has its dims. */
export class Gradient {
  readonly kind = 'gradient'
  /** The value that is differentiated. */
  readonly of: Value
  readonly at: readonly Value[]
  /** The gradient of `of` itself, with its dims; undefined means ones. */
  readonly seed: Value | undefined
  readonly mark: Mark | undefined
  /** Whether nobody is warned of a place that the value does not depend on. */
  readonly isQuiet: boolean
  constructor(of: Value, at: readonly Value[], seed: Value | undefined, mark: Mark | undefined, isQuiet = false) {
    this.of = of
    this.at = at
    this.seed = seed
    this.mark = mark
    this.isQuiet = isQuiet
  }
}

/** The gradient that flows back to a place, as the function of `withGrad` sees it. It has a value only where a gradient passes the place. */
export class Incoming {
  readonly kind = 'incoming'
  readonly mark: Mark | undefined
  constructor(mark: Mark | undefined) {
    this.mark = mark
  }
}

/** A value that stays as it is, and what becomes of the gradient that flows back through it. */
export class GradientHook {
  readonly kind = 'hook'
  readonly input: Value
  readonly incoming: Value
  /** What flows on: computed from `incoming` and other values. */
  readonly outgoing: Value
  readonly mark: Mark | undefined
  constructor(input: Value, incoming: Value, outgoing: Value, mark: Mark | undefined) {
    this.input = input
    this.incoming = incoming
    this.outgoing = outgoing
    this.mark = mark
  }
}

/** A value of a linked graph, by its id. The linker creates it to add operations to the graph. Recordings never contain it. */
export class LinkedValue {
  readonly kind = 'linked'
  readonly id: string
  constructor(id: string) {
    this.id = id
  }
}

export type Expression =
  | Operand
  | Constant
  | TapRead
  | Operation
  | Application
  | Gradient
  | Incoming
  | GradientHook
  | LinkedValue

/** The values from which an expression is computed; undefined for an optional input that is left out. */
export function inputsOf(expression: Expression): readonly (Value | undefined)[] {
  switch (expression.kind) {
    case 'operation':
      return expression.inputs
    case 'application':
      return [expression.input]
    case 'gradient':
      return [expression.of, ...expression.at, expression.seed]
    case 'hook':
      return [expression.input, expression.incoming, expression.outgoing]
    default:
      return []
  }
}

/** One output of an expression, with its dtype and dims as far as they are known before anything runs. */
export class Value {
  readonly expression: Expression
  readonly output: number
  readonly type: DataType
  readonly dims: Dims | undefined
  constructor(expression: Expression, output: number, type: DataType, dims: Dims | undefined) {
    this.expression = expression
    this.output = output
    this.type = type
    this.dims = dims
  }
}

export interface Write {
  readonly value: Value
  readonly mark: Mark | undefined
}

/** The recording of one trace: writes by tap, and the values that are wanted. */
export interface Recording {
  readonly owner: TapOwner | undefined
  readonly writes: ReadonlyMap<Tap, readonly Write[]>
  readonly wanted: readonly Value[]
  /** Whether the backward pass of gradients computes the forward pass again from the edges of blocks. */
  readonly recomputes?: boolean
}

/** An attribute as text. Floats are not written as JSON, which has no −0, NaN or infinity. */
function attributeKey(attribute: OperationAttribute): string {
  if ('body' in attribute) return bodyKey(attribute.body)
  if (!('float' in attribute)) return JSON.stringify(attribute)
  return Object.is(attribute.float, -0) ? 'float -0' : `float ${attribute.float}`
}

/** A body as text: its operations in the order in which they are found, each with the places of what it reads. */
function bodyKey({ inputs, outputs }: Body): string {
  const known = new Map<Expression, number>()
  const keyOf = ({ expression, output }: Value): string => {
    const before = known.get(expression)
    if (before !== undefined) return `${before}.${output}`
    const parts = inputsOf(expression).map(input => (input ? keyOf(input) : ''))
    const number = known.size
    known.set(expression, number)
    const own = expression.kind === 'operation' ? expression.signature : ownKey(expression)
    return `${number}.${output}=${own}(${parts})`
  }
  return JSON.stringify([...inputs, ...outputs].map(keyOf))
}

function ownKey(expression: Expression): string {
  if (expression.kind === 'linked') return expression.id
  if (expression.kind !== 'operand' && expression.kind !== 'constant')
    throw new Error(`A ${expression.kind} in a body.`)
  return tensorKey(expression.data)
}

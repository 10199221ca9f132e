import type { SourcePosition } from '../../errors/error.ts'
import { InvalidInterventionGraphError } from '../../errors/graph-json.ts'
import { GraphLimitError } from '../../errors/graph-limit.ts'
import { showDims } from '../../errors/tensor.ts'
import type { Dims, Expression, Mark } from '../../graph/expression.ts'
import type { NormalForm } from '../../graph/normalise.ts'
import type { TensorData } from '../../tensor/dtypes/data.ts'
import { bytesOf } from '../../tensor/dtypes/dtype.ts'
import type { Program } from '../blocks/program.ts'
import type { AddedValues } from '../linker/added-values.ts'
import type { LinkPlan, Step } from '../linker/plan.ts'
import { operandId } from '../linker/unit.ts'
import type { ValueShape } from '../scanning/value-shape.ts'
import { OWN } from '../sessions/own-names.ts'
import type { Provider } from '../sessions/provider.ts'
import { addedShapes, type ShapedNode } from './added-shapes.ts'
import type { GraphLimits } from './graph-limits.ts'
import { sizeDeciders } from './size-deciders.ts'
import { innerElements, workOf } from './work.ts'

/** A linked recording, and what its sizes follow from. */
export interface LimitedRun {
  readonly program: Program
  readonly provider: Provider
  readonly plan: LinkPlan
  readonly added: AddedValues
  readonly form: NormalForm
  /** Shapes of the model's own values for these inputs. */
  readonly shapes: ReadonlyMap<string, ValueShape>
}

/** Results are no larger than the first value that is read, so that their size is known although their dims are not. */
const NO_LARGER =
  /^(Abs|BitwiseNot|Cast|Ceil|Clip|Compress|CumSum|Elu|Erf|Exp|Flatten|Floor|Gelu|HardSwish|Identity|Is(Inf|NaN)|LeakyRelu|Log|LogSoftmax|Mish|Neg|Not|Reciprocal|Reduce\w+|Relu|Reshape|Round|Sigmoid|Sign|Slice|Softmax|Softplus|Sqrt|Squeeze|Tanh|TopK|Transpose|Trilu|Unique|Unsqueeze)$/

/**
 * Checks a recording from elsewhere before it runs: the sizes of all values that it adds, worked out from dims, and of the model's own values.
 * What it states of its values must be so, and no write may change the dims of the model's values.
 * @throws GraphLimitError, InvalidInterventionGraphError
 */
export async function checkLimits(run: LimitedRun, limits: GraphLimits): Promise<void> {
  const { added, plan, program } = run
  if (limits.nodes !== undefined && added.nodes > limits.nodes)
    throw new GraphLimitError(`This graph adds ${added.nodes} nodes to the model, and ${limits.nodes} are allowed.`)
  for (const { tap, mark } of added.writes)
    if (sizeDeciders(program.graph).has(tap.tensor))
      throw new GraphLimitError(
        `The write at ${tap.label} decides how large other values of the model become, which a graph with limits may not do.`,
        mark?.position(),
        'write the value that is made with this size instead',
      )
  const spent = new Spending(limits)
  for (const index of plan.executed) {
    const node = program.graph.nodes[index]
    const outputs = node.outputs.map(name => run.shapes.get(name))
    for (const [i, name] of node.outputs.entries())
      if (outputs[i]) spent.value(bytesOfShape(outputs[i]), `The model’s value ${name}`, undefined)
    spent.work(
      workOf(
        node.proto,
        node.inputs.map(name => run.shapes.get(name)?.dims),
        outputs.map(shape => shape?.dims),
      ),
    )
  }
  const known = await shapesOfAdded(run, spent)
  checkStated(run, known)
  for (const { id, tap, mark } of added.writes) checkWrite(run, known, { id, tap, mark })
  for (const id of plan.results) {
    const shape = known(id)
    if (shape) spent.total(bytesOfShape(shape), undefined)
  }
}

type Known = (id: string) => ValueShape | undefined

async function shapesOfAdded({ added, form, shapes, program, provider }: LimitedRun, spent: Spending): Promise<Known> {
  const found = new Map<string, ValueShape>()
  const operands = new Map(form.operands.map((data, slot) => [operandId(slot), data]))
  const operandOf = (id: string): TensorData | undefined => operands.get(id)
  const known: Known = id => {
    const own = found.get(id) ?? operands.get(id) ?? shapes.get(id)
    if (own) return own
    const weight = program.weights.get(id)
    return weight && { type: program.typeOf(id) ?? 'float32', dims: weight.dims.map(Number) }
  }
  const bounds = new Map<string, number>()
  for (const step of added.steps) {
    const { nodes, outputs } = await addedShapes(step, provider, known, operandOf)
    for (const [id, shape] of outputs) found.set(id, shape)
    for (const node of nodes) spend(node, markOf(step, form, node), bounds, spent)
  }
  return known
}

function spend(node: ShapedNode, mark: Mark | undefined, bounds: Map<string, number>, spent: Spending): void {
  const { proto, inputs, outputs } = node
  const at = (): SourcePosition | undefined => mark?.position()
  const dims = inputs.map(shape => shape?.dims)
  outputs.forEach((shape, i) => {
    const bytes = bytesOfShape(shape, boundOf(node, i, bounds))
    if (!Number.isFinite(bytes))
      throw new GraphLimitError(
        `The size of what ${proto.opType} makes depends on values, so it can’t be checked before the model runs.`,
        at(),
        'give sizes as numbers, or return the value and go on where it arrives',
      )
    spent.value(bytes, `The result of ${proto.opType}`, at)
    spent.total(bytes, at)
  })
  spent.value(innerElements(proto, dims) * 4, `What ${proto.opType} multiplies on its way`, at)
  spent.work(
    workOf(
      proto,
      dims,
      outputs.map(shape => shape.dims),
    ),
    at,
  )
}

/** The most elements of a result with unknown dims. Noted for the nodes that read it. */
function boundOf(
  { proto, inputs, outputs }: ShapedNode,
  output: number,
  bounds: Map<string, number>,
): number | undefined {
  if (elementsOf(outputs[output].dims) !== undefined) return undefined
  const elements = elementsOf(inputs[0]?.dims) ?? bounds.get(proto.input[0])
  if (elements === undefined) return undefined
  const times =
    proto.opType === 'NonZero' ? (inputs[0]?.dims?.length ?? 8) : NO_LARGER.test(proto.opType) ? 1 : undefined
  if (times === undefined) return undefined
  bounds.set(proto.output[output], elements * times)
  return elements * times
}

/** What a graph states of its values decides how it is linked, so it must be so. */
function checkStated({ added, form }: LimitedRun, known: Known): void {
  for (const { id, value } of added.stated) {
    const shape = known(id)
    if (!shape) continue
    const isSame =
      value.type === shape.type &&
      (!value.dims ||
        !shape.dims ||
        (value.dims.length === shape.dims.length &&
          value.dims.every((dim, axis) => dim === undefined || (shape.dims![axis] ?? dim) === dim)))
    if (isSame) continue
    const what = describe(value.expression, form)
    throw new InvalidInterventionGraphError(
      what,
      `is said to be ${value.type} ${showDims(value.dims ?? [])}, but is ${shape.type} ${showDims(shape.dims ?? [])}`,
    )
  }
}

function describe(expression: Expression, form: NormalForm): string {
  if (expression.kind === 'read') return `the value at ${expression.tap.label}`
  const line = 'mark' in expression ? expression.mark?.label() : undefined
  const name =
    expression.kind === 'operation'
      ? `the result of ${expression.opType}`
      : `the value of node ${form.numbers.get(expression)}`
  return line ? `${name} at ${line}` : name
}

/** With the dims of its place, a written value leaves all sizes of the model as they are. */
function checkWrite({ shapes }: LimitedRun, known: Known, { id, tap, mark }: AddedValues['writes'][number]): void {
  const [written, place] = [known(id), shapes.get(tap.tensor) ?? known(tap.tensor)]
  // What no wanted value needs is not linked.
  if (!written) return
  const [from, to] = [wholeDims(written.dims), wholeDims(place?.dims)]
  if (from && to && from.join() === to.join()) return
  throw new GraphLimitError(
    `A value of ${showDims(written.dims ?? [])} is written at ${tap.label}, where ${showDims(place?.dims ?? [])} is read: with limits, both must be known and equal.`,
    mark?.position(),
    'make it fit with reshape() or expand()',
  )
}

function markOf({ expressions }: Step, { order }: NormalForm, { proto }: ShapedNode): Mark | undefined {
  const own = new RegExp(`^${OWN}(\\d+) `).exec(proto.name)
  const expression = own ? order[expressions[Number(own[1])]] : undefined
  return expression && 'mark' in expression ? expression.mark : undefined
}

const wholeDims = (dims: Dims | undefined): readonly number[] | undefined =>
  dims?.every(dim => dim !== undefined) ? (dims as number[]) : undefined

const elementsOf = (dims: Dims | undefined): number | undefined => wholeDims(dims)?.reduce((all, dim) => all * dim, 1)

/** Infinity if the size is not known. Elements that JavaScript holds as texts count as a pointer each. */
function bytesOfShape({ type, dims }: ValueShape, bound?: number): number {
  return (elementsOf(dims) ?? bound ?? Number.POSITIVE_INFINITY) * (bytesOf(type) || 8)
}

/** What a run takes, against its limits. */
class Spending {
  readonly #limits: GraphLimits
  #total = 0
  #work = 0

  constructor(limits: GraphLimits) {
    this.#limits = limits
  }

  value(bytes: number, what: string, at: (() => SourcePosition | undefined) | undefined): void {
    const { valueBytes } = this.#limits
    // Dims of the model's own that depend on its data are not the graph's.
    if (valueBytes === undefined || !Number.isFinite(bytes) || bytes <= valueBytes) return
    throw new GraphLimitError(`${what} would have ${size(bytes)}, and a value may have ${size(valueBytes)}.`, at?.())
  }

  total(bytes: number, at: (() => SourcePosition | undefined) | undefined): void {
    this.#total += Number.isFinite(bytes) ? bytes : 0
    const { totalBytes } = this.#limits
    if (totalBytes !== undefined && this.#total > totalBytes)
      throw new GraphLimitError(
        `The values that this graph adds would have more than ${size(totalBytes)} together.`,
        at?.(),
      )
  }

  work(operations: number, at?: () => SourcePosition | undefined): void {
    this.#work += operations
    const { work } = this.#limits
    if (work !== undefined && this.#work > work)
      throw new GraphLimitError(
        `This graph would take more than ${work.toExponential(0)} multiplications and the like.`,
        at?.(),
      )
  }
}

function size(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB']
  const at = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3))
  return `${Number((bytes / 1000 ** at).toPrecision(3))} ${units[at]}`
}

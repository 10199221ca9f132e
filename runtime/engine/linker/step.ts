import { tensorKey } from '../../graph/elements-key.ts'
import { type Dims, LinkedValue, Operation, Value } from '../../graph/expression.ts'
import { lower } from '../../graph/lower.ts'
import type { NormalForm } from '../../graph/normalise.ts'
import { renameCaptures } from '../../onnx/message/captures.ts'
import { withFields } from '../../onnx/message/message.ts'
import type { NodeProto, TensorProto } from '../../onnx/schema/onnx_pb.ts'
import type { TensorData } from '../../tensor/dtypes/data.ts'
import type { DataType } from '../../tensor/dtypes/dtype.ts'
import type { Program } from '../blocks/program.ts'
import { assemble, type Edge, feedName, fetchName, type Opsets } from '../sessions/assemble.ts'
import { emitNode, emitTensor } from '../sessions/emit.ts'
import { OWN } from '../sessions/own-names.ts'
import { needPacking } from '../sessions/packed-kernels.ts'
import type { SessionModel } from '../sessions/provider.ts'
import { RECORDED_OPSET, recordedOpsets } from '../sessions/recorded-opset.ts'
import type { Step } from './plan.ts'
import type { BackwardSegments } from './recompute.ts'
import { constantId, isConstant, isModelValue, readsOf, type Unit } from './unit.ts'

export interface StepParts {
  readonly program: Program
  readonly form: NormalForm
  /** Producers first. */
  readonly units: readonly Unit[]
  readonly typeOf: (id: string) => DataType | undefined
  readonly blocks: readonly number[]
  /** Whether it uses the model's opset, not that of recorded operations. */
  readonly isModelStage: boolean
  readonly outputs: readonly string[]
  /** Values at the edges of joined blocks. They are outputs that nobody fetches, so that no kernel is fused over them and the bits stay. */
  readonly edges: readonly string[]
  readonly dropped: readonly string[]
  readonly segments?: BackwardSegments | undefined
}

/**
 * The step that runs some units in a session of their own. Values that the recording adds get local names there, numbered in the order of
 * first use, so that equal steps of different recordings have equal keys. The model's own values keep their names.
 */
export function buildStep(parts: StepParts): Step {
  const { program, typeOf, outputs, dropped } = parts
  const units = parts.units.map(withoutValues)
  const local = new LocalNames(parts.form)
  const unitOutputs = new Set(units.flatMap(unit => unit.outputs))
  const read = new Set<string>()
  const weights = new Set<string>()
  const backwardWeights = new Set<string>()
  const keys: string[] = []
  const expressions: number[] = []
  for (const unit of units) {
    for (const id of readsOf(unit)) {
      if (unitOutputs.has(id) || isConstant(id)) continue
      if (!program.weights.has(id)) read.add(id)
      else {
        weights.add(id)
        if (unit.isOfGradient) backwardWeights.add(id)
      }
    }
    keys.push(keyOf(unit, local))
    if (unit.kind === 'operation' && unit.expression !== undefined) expressions.push(unit.expression)
  }
  const inputs = [...read]
  const isModel = parts.isModelStage || units.some(unit => unit.kind !== 'operation')
  const hasNodes = units.some(unit => unit.kind === 'node')
  const ranks = ranksForFused(program, units)
  const edge = (id: string): Edge => ({
    name: local.localName(id),
    type: typeOf(id),
    dims: isModelValue(id) ? program.dimsOf(id) : ranks.get(id),
  })
  const bytesOf = (names: ReadonlySet<string>): number =>
    [...names].reduce((sum, name) => sum + program.weights.externalBytes(name), 0)
  const packedBytesOf = (names: ReadonlySet<string>): number =>
    [...names].reduce((sum, name) => sum + program.weights.packedBytes(name), 0)
  const inputEdges = inputs.map(edge)
  const outputEdges = outputs.map(edge)
  const innerEdges = parts.edges.map(edge)
  const key = [
    isModel || weights.size > 0 ? program.id : 'operations',
    ...(isModel ? [] : [`opset ${RECORDED_OPSET}`]),
    ...keys,
    `in ${JSON.stringify(inputEdges.map(({ name, type }) => [name, type]))}`,
    `out ${JSON.stringify([...outputEdges, ...innerEdges].map(({ name }) => name))}`,
  ].join('\n')

  return {
    kind: hasNodes ? 'rebuilt' : 'operations',
    block: parts.blocks[0],
    group: undefined,
    label: labelOf(parts, hasNodes),
    inputs: inputs.map((id, i) => [feedName(inputEdges[i].name, inputEdges[i].type), id]),
    outputs: outputs.map((id, i) => [fetchName(outputEdges[i].name, outputEdges[i].type), id]),
    key,
    rebuild: {
      model: modelOf({
        program,
        units,
        local,
        isModel,
        inputs: inputEdges,
        outputs: [...outputEdges, ...innerEdges],
        inner: [...ranks.keys()].filter(id => unitOutputs.has(id) && !outputs.includes(id)).map(edge),
        weights,
      }),
      weightBytes: bytesOf(weights),
      packedBytes: packedBytesOf(weights) + bytesOf(backwardWeights),
      prepack: needPacking(units.flatMap(({ node }) => node ?? [])),
      // Each segment of the backward pass runs once in a run: kept memory would be that of all segments together.
      returnsMemory: isSegment(parts),
    },
    nodeCount: units.length,
    expressions,
    dropped,
    kept: undefined,
  }
}

interface StepModel {
  readonly program: Program
  readonly units: readonly Unit[]
  readonly local: LocalNames
  readonly isModel: boolean
  readonly inputs: readonly Edge[]
  readonly outputs: readonly Edge[]
  readonly inner: readonly Edge[]
  readonly weights: ReadonlySet<string>
}

/** Makes the step's model when its session is created. It is kept with the plan, and so it may refer to nothing that holds tensors. */
function modelOf({ program, units, local, isModel, inputs, outputs, inner, weights }: StepModel): () => SessionModel {
  return () => {
    const { nodes, constants } = emit(units, local, isModel ? program.opset : RECORDED_OPSET)
    const read = units
      .filter(({ kind }) => kind !== 'node')
      .flatMap(unit => readsOf(unit).map(id => local.localName(id)))
    return assemble(
      { nodes, inputs, outputs, initializers: weights, constants, inner, read },
      program.weights,
      isModel ? withOwnOperators(program.opsets, units) : recordedOpsets,
    )
  }
}

/**
 * The dims of recorded values that fused nodes read, all unknown, so that onnxruntime knows their ranks. Without the rank of its values, it
 * takes a GroupQueryAttention for one whose queries, keys and values are packed in one input, and refuses the dims that follow from that.
 */
function ranksForFused(program: Program, units: readonly Unit[]): Map<string, Dims> {
  const ranks = new Map<string, Dims>()
  for (const { node, cluster, inputs } of units) {
    if (!cluster) continue
    inputs.forEach((id, i) => {
      const dims = id === '' || isModelValue(id) || isConstant(id) ? undefined : program.dimsOf(node!.inputs[i])
      if (dims && dims.length > 0)
        ranks.set(
          id,
          dims.map(() => undefined),
        )
    })
  }
  return ranks
}

/** The model's operator sets, and that of onnxruntime's own operators where a recorded operation is one of them. */
function withOwnOperators(model: Opsets, units: readonly Unit[]): Opsets {
  const added = units.flatMap(({ operation }) => operation?.domain || []).filter(domain => !model.opsets.has(domain))
  if (added.length === 0) return model
  const { irVersion, functions } = model
  const opsets = new Map([...model.opsets, ...added.map(domain => [domain, 1] as const)])
  return functions ? { opsets, irVersion, functions } : { opsets, irVersion }
}

/** Segments of the backward pass have numbers after those of the blocks. */
const isSegment = ({ program, segments, blocks }: StepParts): boolean =>
  segments !== undefined && blocks[0] >= program.blocks.length

function labelOf(parts: StepParts, hasNodes: boolean): string {
  const { program, segments, blocks } = parts
  if (isSegment(parts))
    return `backward through ${program.blocks[segments!.blocks[blocks[0] - program.blocks.length]].label}`
  if (!hasNodes) return 'operations'
  const [first, last] = [blocks[0], blocks[blocks.length - 1]].map(block => program.blocks[block]?.label ?? '')
  return first === last ? first : `${first} … ${last}`
}

class LocalNames {
  readonly #names = new Map<string, string>()
  readonly #constants: ReadonlyMap<string, TensorData>
  constructor({ order }: NormalForm) {
    this.#constants = new Map(
      order.flatMap((one, number) => (one.kind === 'constant' ? [[constantId(number), one.data] as const] : [])),
    )
  }

  localName(id: string): string {
    if (id === '' || isModelValue(id)) return id
    let name = this.#names.get(id)
    if (name === undefined) {
      name = `${OWN}${this.#names.size}`
      this.#names.set(id, name)
    }
    return name
  }

  /** The constants that the step reads, under their local names. */
  *constants(): Iterable<TensorProto> {
    for (const [id, name] of this.#names) {
      if (isConstant(id)) yield emitTensor(name, this.#constant(id))
    }
  }

  constantText(id: string): string {
    return tensorKey(this.#constant(id))
  }

  #constant(id: string): TensorData {
    const data = this.#constants.get(id)
    if (!data) throw new Error(`${id} is no constant.`)
    return data
  }
}

/**
 * The unit without the values that its operation was recorded on, and without its mark, whose stack refers to the trace. Plans are kept, and
 * would keep the tensors of the run that they were made for.
 */
function withoutValues(unit: Unit): Unit {
  const { operation } = unit
  if (!operation) return unit
  const inputs = operation.inputs.map((input, i) =>
    input && input.expression.kind !== 'constant'
      ? new Value(new LinkedValue(unit.inputs[i]), 0, input.type, input.dims)
      : input,
  )
  const { opType, domain, attributes, outputs, isDetached } = operation
  return { ...unit, operation: new Operation(opType, domain, inputs, attributes, outputs, undefined, isDetached) }
}

function keyOf(unit: Unit, local: LocalNames): string {
  const name = (id: string): string =>
    isConstant(id) ? `#${local.constantText(id)}${local.localName(id)}` : local.localName(id)
  const reads = JSON.stringify(unit.inputs.map(name))
  const outputs = unit.kind === 'node' ? '' : JSON.stringify(unit.outputs.map(id => local.localName(id)))
  if (unit.operation) return `${unit.operation.signature}(${reads})${outputs}`
  const rewired = unit.isRewired
    ? `(${reads};${JSON.stringify(unit.captures.map(([from, id]) => [from, name(id)]))})`
    : ''
  const fused = unit.cluster ? ` fused ${JSON.stringify(unit.outputs)}` : ''
  return `${unit.node!.index}${fused}${rewired}${outputs}`
}

function emit(
  units: readonly Unit[],
  local: LocalNames,
  opset: number,
): { nodes: NodeProto[]; constants: TensorProto[] } {
  const nodes: NodeProto[] = []
  let operations = 0
  units.forEach((unit, i) => {
    const outputs = unit.outputs.map(id => local.localName(id))
    if (unit.operation) {
      // The number in the name is an index into `Step.expressions`, which leads to the user's line.
      const name = `${OWN}${operations++} ${unit.operation.opType}`
      const lowered = opset === RECORDED_OPSET ? unit.operation : lower(unit.operation, opset)
      if (!lowered) throw new Error(`${unit.operation.opType} can't be written in opset ${opset}.`)
      nodes.push(
        emitNode(
          lowered,
          name,
          loweredInputs(unit, lowered.inputs).map(id => local.localName(id)),
          outputs,
        ),
      )
      return
    }
    const { proto } = unit.node!
    if (!unit.isRewired) {
      nodes.push(proto)
      return
    }
    const renamed = new Map(
      unit.captures.filter(([name, id]) => name !== id).map(([name, id]) => [name, local.localName(id)]),
    )
    const inputs = unit.inputs.map(id => local.localName(id))
    const body = renamed.size > 0 ? renameCaptures(proto, renamed) : proto
    const name = unit.kind === 'copy' ? `${unit.node!.name} (applied ${i})` : unit.node!.name
    nodes.push(withFields(body, { name, input: inputs, output: outputs }))
  })
  return { nodes, constants: [...local.constants()] }
}

/** Ids of the inputs that remain after lowering, which may turn inputs into attributes. */
function loweredInputs(unit: Unit, inputs: readonly (Value | undefined)[]): string[] {
  const original = unit.operation!.inputs
  return inputs.map(input => (input ? unit.inputs[original.indexOf(input)] : ''))
}

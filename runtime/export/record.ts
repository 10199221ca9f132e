import { UnsavableEditError } from '../errors/edit.ts'
import { UnknownShapeError } from '../errors/tensor.ts'
import { ScannedError } from '../errors/trace.ts'
import type { Recording, Tap, Value } from '../graph/expression.ts'
import { recorderScope } from '../graph/recorder.ts'
import { stateOf, type Tensor } from '../tensor/tensor.ts'
import type { Block } from '../tracing/blocks/block.ts'
import { restoringVariables } from '../tracing/blocks/restoring-variables.ts'
import { traceOf } from '../tracing/current-trace.ts'
import { restoringScopes } from '../tracing/scopes/restoring-scopes.ts'
import type { KnownShapes } from '../tracing/taps/tap-access.ts'
import type { Traceable, TraceableVariant } from '../tracing/traceable.ts'
import { type Backend, newTrace, type Tracer } from '../tracing/tracer.ts'
import { tapAt } from './further-outputs.ts'
import { refuseOpenDims } from './refuse-open-dims.ts'

/** A write whose dims match the place as far as they are known, but may not match for every input. */
export interface UncertainWrite {
  /** Name of the model's value that is replaced. */
  readonly tensor: string
  /** The value expanded to the place's dims at run time, where the run fails if that is not possible; undefined if a rank is unknown. */
  readonly fitted: Value | undefined
}

/** The recording of standing edits for inputs of any dims. */
export interface RecordedEdits {
  /** Its wanted values are the model's outputs, in their order, and the further ones. */
  readonly recording: Recording
  readonly uncertain: ReadonlyMap<Value, UncertainWrite>
  /** Which of the edits made the write of this number at the tap. */
  editOf(tap: Tap, write: number): number
}

/**
 * Records a model's standing edits for inputs of any dims. `shapes` has the dims that are equal for all inputs.
 * @throws UnsavableEditError for an edit that needs a value, or open dims, while it is recorded; errors of the edit itself
 */
export async function recordEdits(
  model: Traceable,
  variant: TraceableVariant,
  shapes: KnownShapes,
  outputs: ReadonlyMap<string, string>,
): Promise<RecordedEdits> {
  const { program } = variant.engine
  const counts: ReadonlyMap<Tap, number>[] = []
  const uncertain = new Map<Value, UncertainWrite>()
  const target: Traceable = {
    name: model.name,
    identity: model.identity,
    inputs: model.inputs,
    source: model.source,
    edits: model.edits.map(({ block, model: proxy }) => ({ model: proxy, block: withWriteCount(block, counts) })),
    variant: async () => variant,
    prepare: () => new Map(),
    misfit: cause => model.misfit(cause),
  }
  const trace = newTrace([undefined, {}], {}, new RecordingBackend())
  trace.findShapes = async () => shapes
  trace.onUncertainWrite = (tensor, written, fitted) => uncertain.set(written, { tensor, fitted })
  trace.resolveDims = refuseOpenDims
  trace.isSilent = true
  const read = (): Tensor[] => {
    const { taps, graph } = program
    const leaving = taps.outputTaps(taps.tree.root)
    const declared = graph.outputs.map(({ name }) => trace.read(leaving.get(name) ?? taps.tensorTap(name)))
    return [...declared, ...[...outputs.values()].map(place => trace.read(tapAt(program, place)))]
  }
  try {
    const recording = (await restoringScopes(() => trace.run(target, read))) as Recording
    const editOf = (tap: Tap, write: number): number => counts.findLastIndex(before => (before.get(tap) ?? 0) <= write)
    return { recording, uncertain, editOf }
  } catch (error) {
    throw asUnsavable(error)
  }
}

/** The block; before it is recorded, the number of writes at each tap is added to `counts`. */
function withWriteCount(block: Block, counts: ReadonlyMap<Tap, number>[]): Block {
  return {
    info: block.info,
    record(model, trace, steps) {
      const { writes } = trace.recording([])
      counts.push(new Map([...writes].map(([tap, at]) => [tap, at.length])))
      return block.record(model, trace, steps)
    },
  }
}

/** Returns the recording without running it. */
class RecordingBackend implements Backend {
  run(tracer: Tracer): Promise<Recording> {
    const trace = traceOf(tracer)
    return restoringVariables(trace, async () => {
      trace.isOnlyScanned = true
      await trace.begin()
      const outputs = (await recorderScope().run(trace, () => trace.execute())) as Tensor[]
      const { owner, writes, wanted } = trace.recording(outputs.map(tensor => stateOf(tensor).value))
      const kept = new Map([...writes].map(([tap, at]) => [tap, [...at]]))
      trace.commit(undefined)
      return { owner, writes: kept, wanted }
    })
  }
}

function asUnsavable(error: unknown): unknown {
  if (error instanceof ScannedError) {
    return new UnsavableEditError(
      'it asks for a value while the model runs, as a condition, value() and assert() do, and a file holds no code',
      'compute the choice in the graph: where(condition, a, b), or h.mul(condition)',
      error.at,
      error,
    )
  }
  if (error instanceof UnknownShapeError) {
    return new UnsavableEditError(
      'it needs dims that differ from input to input',
      'use operations that take any length, slices from the end, and fullLike(h, 0) in the place of zeros(dims)',
      error.at,
      error,
    )
  }
  return error
}

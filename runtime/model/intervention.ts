import type { Engine, EngineResult } from '../engine/engine.ts'
import type { GraphLimits } from '../engine/limits/graph-limits.ts'
import type { TraceReport } from '../engine/running/report.ts'
import { OnnsightError } from '../errors/error.ts'
import { InvalidInterventionGraphError } from '../errors/graph-json.ts'
import { GraphLimitError } from '../errors/graph-limit.ts'
import { DecidedError } from '../errors/link.ts'
import { TraceArgumentsError } from '../errors/trace.ts'
import { displayPath } from '../graph/display-path.ts'
import type { Recording } from '../graph/expression.ts'
import { type GraphReader, recordingFromJSON } from '../graph/from-json.ts'
import { GRAPH_VERSION, type RecordingJSON, type ResultJSON, recordingToJSON } from '../graph/json.ts'
import { recorderScope } from '../graph/recorder.ts'
import { isPlain } from '../tensor/arguments/plain-objects.ts'
import type { TensorData } from '../tensor/dtypes/data.ts'
import { stateOf, Tensor } from '../tensor/tensor.ts'
import { decodeData, type EncodedData, encodeData } from '../tensor/values/encoded.ts'
import { restoringVariables } from '../tracing/blocks/restoring-variables.ts'
import { traceOf } from '../tracing/current-trace.ts'
import type { TraceableVariant } from '../tracing/traceable.ts'
import type { Backend, TraceOptions, Tracer } from '../tracing/tracer.ts'

/**
 * A recorded block as JSON, to be stored, sent, and run by `model.runGraph` on the same model. It contains no code. The format is described
 * in docs/intervention-graph.md.
 */
export interface InterventionGraph extends RecordingJSON<EncodedData> {
  /** The model’s inputs, by name. */
  readonly inputs: Readonly<Record<string, EncodedData>>
  /** What the block returned; `{ "$tensor": i }` stands for the i-th wanted value. */
  readonly result: unknown
}

/** Options of `runGraph`. */
export interface RunGraphOptions extends Omit<TraceOptions, 'backend'> {
  /** What the graph may cost. It is checked before anything runs; the time is checked between blocks of the model. @default no limits */
  readonly limits?: GraphLimits
}

type GraphRunOptions = Pick<RunGraphOptions, 'limits'> & {
  readonly signal: AbortSignal | undefined
  /** Whether these inputs will not come again, so that nothing is kept for them. */
  readonly inputsComeOnce?: boolean
}

/** Records a block and returns it as data. */
export class RecordBackend implements Backend {
  run(tracer: Tracer): Promise<unknown> {
    const trace = traceOf(tracer)
    return restoringVariables(trace, async () => {
      trace.isOnlyScanned = true
      await trace.begin()
      if (trace.awaitsInvokes) trace.model.prepare(undefined)
      const result = await recorderScope().run(trace, () => trace.execute())
      const wanted: Tensor[] = []
      const resultWithPlaceholders = withPlaceholders(result, wanted)
      const recording = trace.recording(wanted.map(tensor => stateOf(tensor).value))
      trace.engine.check(recording)
      trace.commit(result)
      const inputs = Object.fromEntries([...trace.inputs].map(([name, data]) => [name, encodeData(data)]))
      return {
        ...recordingToJSON(recording, encodeData, displayPath),
        inputs,
        result: resultWithPlaceholders,
      } satisfies InterventionGraph
    })
  }
}

/** Runs an untrusted graph. @throws InvalidInterventionGraphError; GraphLimitError, GraphTimeError with limits */
export async function runGraph(
  json: unknown,
  variant: TraceableVariant,
  inputs: ReadonlyMap<string, TensorData>,
  options: GraphRunOptions,
): Promise<{ result: unknown; report: TraceReport }> {
  const graph = readGraph(json, variant, options.limits)
  const { wanted, report } = await runRead(graph, variant, inputs, options)
  const tensors = wanted.map(data => Tensor.of(data))
  return { result: fillResult(graph.result, tensors), report }
}

/** A graph that was checked against a model. */
export interface ReadGraph {
  readonly recording: Recording
  /** The dtypes and dims that it states, which may be wrong. */
  readonly statedTypes: string
  readonly result: unknown
}

/**
 * Runs a graph that was read. Its dtypes and dims may be wrong, so it shares no sessions with traces but the model's own, and an error of
 * onnxruntime becomes InvalidInterventionGraphError.
 */
export async function runRead(
  { recording, statedTypes: untrustedTypes }: ReadGraph,
  { engine }: TraceableVariant,
  inputs: ReadonlyMap<string, TensorData>,
  { signal, limits, inputsComeOnce = false }: GraphRunOptions,
): Promise<EngineResult> {
  try {
    return await engine.run({ recording, inputs, signal, untrustedTypes, limits, inputsComeOnce })
  } catch (error) {
    if (error instanceof OnnsightError || signal?.aborted) throw error
    throw new InvalidInterventionGraphError('it', `can't be run: ${(error as Error).message.split('\n')[0]}`)
  }
}

/** Only what is checked of a result: anything may stand beside it. */
const statedOf = ({ type, dims }: ResultJSON): unknown => [type, dims]

/** Lists are counted before anything looks into them. */
function checkLength(json: unknown, most: number): void {
  for (const name of ['nodes', 'writes', 'wanted'] as const) {
    const list = (json as InterventionGraph)[name] as unknown
    if (Array.isArray(list) && list.length > most)
      throw new GraphLimitError(`This graph has ${list.length} ${name}, and ${most} are allowed.`)
  }
}

/** @throws InvalidInterventionGraphError for a result that no block returns: nested so deep that walking through it fails */
function checkResult(stored: unknown): void {
  let level: unknown[] = [stored]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MAX_DEPTH) throw new InvalidInterventionGraphError('result', `is nested more than ${MAX_DEPTH} deep`)
    level = level.flatMap(item => (typeof item === 'object' && item !== null ? Object.values(item) : []))
  }
}

const MAX_DEPTH = 100

/** Reads an untrusted graph and checks it against the model. @throws InvalidInterventionGraphError, DecidedError, GraphLimitError */
export function readGraph(json: unknown, { engine, decided }: TraceableVariant, limits?: GraphLimits): ReadGraph {
  if (limits?.nodes !== undefined) checkLength(json, limits.nodes)
  const recording = recordingFromJSON(
    json,
    readerOf(engine, (data, where) => decodeData(data, where)),
  )
  for (const [tap, [first]] of recording.writes) {
    const isOwn = tap.direction === 'in' && tap.scope !== ''
    if (decided.has(tap.tensor) && !isOwn) throw new DecidedError(tap.label, first?.mark)
  }
  const { nodes, result } = json as InterventionGraph
  checkResult(result)
  const statedTypes = JSON.stringify(
    nodes.map(node => ('results' in node ? node.results : 'result' in node ? [node.result] : []).map(statedOf)),
  )
  return { recording, statedTypes, result }
}

/** A reader of recordings for a model. */
export function readerOf({ program }: Engine, decode: GraphReader['decode']): GraphReader {
  return { program, tap: (scope, direction, tensor) => program.taps.find(scope, direction, tensor), decode }
}

export function graphInputs(json: unknown): Record<string, Tensor> {
  const { version, inputs } = (json ?? {}) as Partial<InterventionGraph>
  if (version !== GRAPH_VERSION)
    throw new InvalidInterventionGraphError(
      'version',
      `is ${typeof version === 'object' ? 'an object' : String(version)}, but only version ${GRAPH_VERSION} is supported`,
    )
  if (typeof inputs !== 'object' || inputs === null)
    throw new InvalidInterventionGraphError('inputs', 'is not an object')
  return Object.fromEntries(
    Object.entries(inputs).map(([name, data]) => [name, Tensor.of(decodeData(data, `inputs.${name}`))]),
  )
}

/** The block's result, with tensors instead of placeholders. */
function fillResult(stored: unknown, tensors: readonly Tensor[]): unknown {
  if (Array.isArray(stored)) return stored.map(item => fillResult(item, tensors))
  if (typeof stored !== 'object' || stored === null) return stored
  if ('$tensor' in stored) {
    const tensor = Number.isSafeInteger(stored.$tensor) ? tensors[stored.$tensor as number] : undefined
    if (!tensor || Object.keys(stored).length > 1)
      throw new InvalidInterventionGraphError('result', 'refers to a tensor that is not in wanted')
    return tensor
  }
  return Object.fromEntries(Object.entries(stored).map(([name, item]) => [name, fillResult(item, tensors)]))
}

function withPlaceholders(result: unknown, wanted: Tensor[]): unknown {
  if (result instanceof Tensor) {
    const at = wanted.indexOf(result)
    return { $tensor: at >= 0 ? at : wanted.push(result) - 1 }
  }
  if (Array.isArray(result)) return result.map(item => withPlaceholders(item, wanted))
  if (result === undefined || result === null) return null
  if (typeof result === 'object' && isPlain(result))
    return Object.fromEntries(Object.entries(result).map(([name, item]) => [name, withPlaceholders(item, wanted)]))
  if (/^(string|number|boolean)$/.test(typeof result)) return result
  throw new TraceArgumentsError(
    `A recorded block returned ${typeof result === 'object' ? `a ${result.constructor.name}` : `a ${typeof result}`}, which can’t be stored as data.`,
    'return tensors, numbers, texts, and arrays and objects of them',
  )
}

import type { SourcePosition } from '../errors/error.ts'
import type { TensorData } from '../tensor/dtypes/data.ts'
import { type Attributes, type Expression, inputsOf, type Recording, type Value } from './expression.ts'
import { normalise } from './normalise.ts'

/** The version of the format. Other versions are refused. */
export const GRAPH_VERSION = 1

/** A value: the index of the node that makes it, and the index of the output. */
export type ValueJSON = readonly [node: number, output: number]

/** A place where a value is read or written: a `Tap` without its key. */
export interface TapJSON {
  readonly scope: string
  readonly direction: 'in' | 'out'
  readonly tensor: string
  /** The tap's name in messages. */
  readonly label: string
}

export interface ResultJSON {
  readonly type: string
  /** An unknown dim is null; `dims` itself is null if the rank is unknown. */
  readonly dims: readonly (number | null)[] | null
}

interface WithPosition {
  /** The user's line, with neighbouring lines. */
  readonly at?: SourcePosition
}

/** A recorded expression. `data` is the little-endian elements as base64, or an array of texts. */
export type NodeJSON<D> =
  | { readonly kind: 'operand' | 'constant'; readonly data: D }
  | ({
      readonly kind: 'read'
      readonly tap: TapJSON
      readonly writes: number
      readonly result: ResultJSON
    } & WithPosition)
  | ({
      readonly kind: 'operation'
      readonly opType: string
      readonly domain: string
      readonly inputs: readonly (ValueJSON | null)[]
      readonly attributes: Attributes
      readonly results: readonly ResultJSON[]
      /** Whether no gradient flows back through it. */
      readonly isDetached?: true
    } & WithPosition)
  | ({
      readonly kind: 'application'
      readonly module: string
      readonly from: TapJSON
      readonly to: TapJSON
      readonly input: ValueJSON
      readonly result: ResultJSON
    } & WithPosition)
  | ({
      readonly kind: 'gradient'
      readonly of: ValueJSON
      readonly places: readonly ValueJSON[]
      /** The gradient of `of` itself; null means ones. */
      readonly seed: ValueJSON | null
      readonly results: readonly ResultJSON[]
    } & WithPosition)
  | ({ readonly kind: 'incoming'; readonly result: ResultJSON } & WithPosition)
  | ({
      readonly kind: 'hook'
      readonly input: ValueJSON
      readonly incoming: ValueJSON
      readonly outgoing: ValueJSON
      readonly result: ResultJSON
    } & WithPosition)

export interface RecordingJSON<D> {
  readonly version: number
  /** Nodes in an order in which inputs come before their readers. */
  readonly nodes: readonly NodeJSON<D>[]
  readonly writes: readonly { readonly tap: TapJSON; readonly values: readonly WriteJSON[] }[]
  readonly wanted: readonly ValueJSON[]
  /** Whether the backward pass of gradients computes the forward pass again from the edges of blocks. */
  readonly recomputes?: true
}

export interface WriteJSON extends WithPosition {
  readonly value: ValueJSON
}

/** A recording as plain data. `encode` converts elements, `displayPath` the paths of the user's files. */
export function recordingToJSON<D>(
  recording: Recording,
  encode: (data: TensorData) => D,
  displayPath: (file: string) => string = file => file,
): RecordingJSON<D> {
  const { order, numbers } = normalise(recording)
  const results = resultsOf(recording, order)
  const reference = ({ expression, output }: Value): ValueJSON => [numbers.get(expression)!, output]
  const position = (mark: { position(): SourcePosition | undefined } | undefined): WithPosition => {
    const at = mark?.position()
    return at ? { at: { ...at, file: displayPath(at.file) } } : {}
  }
  const node = (expression: Expression): NodeJSON<D> => {
    const resultOf = (output: number): ResultJSON =>
      results.get(expression)?.[output] ?? { type: 'float32', dims: null }
    switch (expression.kind) {
      case 'operand':
      case 'constant':
        return { kind: expression.kind, data: encode(expression.data) }
      case 'read':
        return {
          kind: 'read',
          tap: tapJSON(expression.tap),
          writes: expression.writes,
          result: resultOf(0),
          ...position(expression.mark),
        }
      case 'operation': {
        const { opType, domain, inputs, attributes, outputs, mark } = expression
        return {
          kind: 'operation',
          opType,
          domain,
          inputs: inputs.map(input => (input ? reference(input) : null)),
          attributes: attributes as Attributes,
          results: Array.from({ length: outputs }, (_, output) => resultOf(output)),
          ...(expression.isDetached ? { isDetached: true as const } : {}),
          ...position(mark),
        }
      }
      case 'application': {
        const { module, from, to, input, mark } = expression
        return {
          kind: 'application',
          module,
          from: tapJSON(from),
          to: tapJSON(to),
          input: reference(input),
          result: resultOf(0),
          ...position(mark),
        }
      }
      case 'gradient': {
        const { of, at, seed, mark } = expression
        return {
          kind: 'gradient',
          of: reference(of),
          places: at.map(reference),
          seed: seed ? reference(seed) : null,
          results: at.map((_, output) => resultOf(output)),
          ...position(mark),
        }
      }
      case 'incoming':
        return { kind: 'incoming', result: resultOf(0), ...position(expression.mark) }
      case 'hook': {
        const { input, incoming, outgoing, mark } = expression
        return {
          kind: 'hook',
          input: reference(input),
          incoming: reference(incoming),
          outgoing: reference(outgoing),
          result: resultOf(0),
          ...position(mark),
        }
      }
      case 'linked':
        throw new Error('A value of a linked graph is no part of a recording.')
    }
  }
  return {
    version: GRAPH_VERSION,
    nodes: order.map(node),
    writes: [...recording.writes].map(([tap, writes]) => ({
      tap: tapJSON(tap),
      values: writes.map(({ value, mark }) => ({ value: reference(value), ...position(mark) })),
    })),
    wanted: recording.wanted.map(reference),
    ...(recording.recomputes ? { recomputes: true as const } : {}),
  }
}

const tapJSON = ({ scope, direction, tensor, label }: TapJSON): TapJSON => ({ scope, direction, tensor, label })

/** Dtype and dims of every output that something uses. */
function resultsOf(recording: Recording, order: readonly Expression[]): Map<Expression, (ResultJSON | undefined)[]> {
  const found = new Map<Expression, (ResultJSON | undefined)[]>()
  const note = ({ expression, output, type, dims }: Value): void => {
    const known = found.get(expression) ?? []
    known[output] = { type, dims: dims ? dims.map(dim => dim ?? null) : null }
    found.set(expression, known)
  }
  for (const writes of recording.writes.values()) for (const { value } of writes) note(value)
  for (const value of recording.wanted) note(value)
  for (const expression of order) for (const input of inputsOf(expression)) if (input) note(input)
  return found
}

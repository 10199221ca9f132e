import { mixingNode } from '../../engine/blocks/mixed-rows.ts'
import type { Engine } from '../../engine/engine.ts'
import type { ValueShape } from '../../engine/scanning/value-shape.ts'
import { BatchAxisError } from '../../errors/invoke.ts'
import type { Dims, Tap } from '../../graph/expression.ts'
import type { GraphNode } from '../../onnx/graph/node.ts'
import type { SliceSpec } from '../../tensor/slices/slice.ts'
import type { Batch, Feeds, Share } from './batch.ts'

type Shapes = ReadonlyMap<string, ValueShape>

/**
 * Finds the axes of each value that the rows of a batch and the tokens of a sequence lie along, by scanning the model with one more of
 * each.
 */
export class BatchAxes {
  readonly #rows: number
  readonly #length: number | undefined
  readonly #shapes: Shapes
  readonly #wider: Shapes
  readonly #longer: Shapes | undefined

  private constructor(rows: number, length: number | undefined, shapes: Shapes, wider: Shapes, longer?: Shapes) {
    this.#rows = rows
    this.#length = length
    this.#shapes = shapes
    this.#wider = wider
    this.#longer = longer
  }

  static async of(engine: Engine, inputs: Feeds, { batched, padded, shares }: Batch): Promise<BatchAxes> {
    const scan = scanner(engine, inputs)
    const rows = shares.reduce((sum, { count }) => sum + count, 0)
    const length = padded.length > 0 ? inputs.get(padded[0])!.dims[1] : undefined
    const longer = padded.length > 0 ? await scan(along(padded, 1)) : undefined
    return new BatchAxes(rows, length, await scan(), await scan(along(batched, 0)), longer)
  }

  /**
   * The axes of a batch in which sequences are padded at their beginning.
   * @param batched inputs with a row for each sequence
   * @param growing the axis of each input that has a place for each token, and how many there are; undefined if nothing is padded
   */
  static async ofStep(
    engine: Engine,
    inputs: Feeds,
    rows: number,
    batched: readonly string[],
    growing: { readonly axes: ReadonlyMap<string, number>; readonly length: number } | undefined,
  ): Promise<BatchAxes> {
    const scan = scanner(engine, inputs)
    const longer = growing && (await scan(growing.axes))
    return new BatchAxes(rows, growing?.length, await scan(), await scan(along(batched, 0)), longer)
  }

  /**
   * Returns the axis with a row for each prompt, which is undefined if all prompts share the value; and the axes with a place for each
   * token.
   */
  of(tap: Tap): { readonly batch: number | undefined; readonly tokens: readonly number[] } {
    const dims = this.#shapes.get(tap.tensor)?.dims
    const [batch, ...others] = this.#grown(tap, dims, this.#wider, this.#rows, 'rows')
    if (others.length > 0)
      throw new BatchAxisError(tap.label, `axes ${[batch, ...others].join(' and ')} both grow with the batch`)
    const tokens = this.#longer ? this.#grown(tap, dims, this.#longer, this.#length!, 'tokens') : []
    return { batch, tokens }
  }

  /** Returns the axes that grow by one when there is one more. Any other growth can't be followed. */
  #grown(tap: Tap, dims: Dims | undefined, after: Shapes, size: number, what: string): number[] {
    const grown = after.get(tap.tensor)?.dims
    if (!dims || !grown || dims.length !== grown.length) {
      if (!after.has(tap.tensor) && !this.#shapes.has(tap.tensor)) return []
      throw new BatchAxisError(tap.label, 'its rank is not known before the model runs')
    }
    return dims.flatMap((dim, axis) => {
      const then = grown[axis]
      if (dim === undefined || then === undefined)
        throw new BatchAxisError(tap.label, `the length of its axis ${axis} depends on the data`)
      if (dim === then) return []
      if (dim === size && then === size + 1) return [axis]
      throw new BatchAxisError(tap.label, `its axis ${axis} has length ${dim}, for ${size} ${what}`)
    })
  }
}

/** Returns a function that scans the model with one more along one axis of some inputs. */
export function scanner(engine: Engine, inputs: Feeds): (longer?: ReadonlyMap<string, number>) => Promise<Shapes> {
  return longer =>
    engine.shapes(
      new Map(
        [...inputs].map(([name, { type, dims }]) => [
          name,
          { type, dims: dims.map((dim, axis) => (axis === longer?.get(name) ? dim + 1 : dim)) },
        ]),
      ),
    )
}

const along = (names: readonly string[], axis: number): ReadonlyMap<string, number> =>
  new Map(names.map(name => [name, axis]))

/** Returns the node that makes the prompts of a batch depend on each other; undefined if there is none. */
export async function mixingOf(engine: Engine, inputs: Feeds, { batched }: Batch): Promise<GraphNode | undefined> {
  const scan = scanner(engine, inputs)
  try {
    return mixingNode(engine.program.graph, await scan(), await scan(along(batched, 0)))
  } catch {
    // If the inputs don't fit together, the run reports it.
    return undefined
  }
}

/** The part of each value that one invoke sees: its rows, without the padding. */
export class Rows {
  readonly #share: Share
  readonly #axes: BatchAxes

  constructor(share: Share, axes: BatchAxes) {
    this.#share = share
    this.#axes = axes
  }

  /** The invoke's rows, and its number of tokens without padding. */
  get share(): Share {
    return this.#share
  }

  /** Returns the invoke's part of a value; undefined if all invokes share the value. */
  spec(tap: Tap): { readonly slice: SliceSpec | undefined; readonly isShared: boolean } {
    const { batch, tokens } = this.#axes.of(tap)
    const { start, count, length, skip } = this.#share
    const own = skip === undefined ? { start: 0, stop: length } : { start: skip }
    const last = Math.max(batch ?? -1, ...tokens)
    if (last < 0) return { slice: undefined, isShared: true }
    const slice = Array.from({ length: last + 1 }, (_, axis) => {
      if (axis === batch) return { start, stop: start + count }
      return tokens.includes(axis) ? own : {}
    })
    return { slice, isShared: batch === undefined }
  }

  /** Returns the invoke's part of a value that it writes. @throws BatchAxisError for a value that all invokes share */
  writable(tap: Tap): SliceSpec {
    const { slice, isShared } = this.spec(tap)
    if (slice === undefined || isShared)
      throw new BatchAxisError(tap.label, 'all prompts share it, so a write would change the prompts of other invokes')
    return slice
  }
}

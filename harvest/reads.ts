import { HarvestError } from '../runtime/errors/harvest.ts'
import { idsInput } from '../runtime/language-inputs/roles.ts'
import type { Inputs } from '../runtime/model/loaded/inputs.ts'
import type { LoadedModel } from '../runtime/model/loaded/loaded-model.ts'
import { type Model, ModelHandle } from '../runtime/model/model.ts'
import { sizeOf, type TensorData } from '../runtime/tensor/dtypes/data.ts'
import { allocate, type HeldType } from '../runtime/tensor/dtypes/dtype.ts'
import { Tensor } from '../runtime/tensor/tensor.ts'
import { joinInputs } from '../runtime/tracing/invokes/batch.ts'
import { mixingOf } from '../runtime/tracing/invokes/rows.ts'
import { asTraceable } from '../runtime/tracing/traceable.ts'
import type { Piece } from './documents.ts'
import { type Layout, layoutOf, plainLayout, rowsOf, type Size } from './places/layout.ts'
import type { Place } from './places/pattern.ts'
import { positionsOf, type Taken } from './places/take.ts'
import { sizeKey } from './plan.ts'
import type { StoredDtype } from './shards/float.ts'
import { traceDtype } from './shards/float.ts'

/** What is read of a model, and how its values become rows. */
export class Reads {
  readonly model: Model
  readonly places: readonly Place[]
  readonly taken: Taken
  readonly dtype: StoredDtype
  /** The input for token ids; undefined for a model of another kind. */
  readonly ids: string | undefined
  readonly #layouts = new Map<string, Promise<readonly Layout[]>>()
  readonly #lengths = new Map<string, number>()
  readonly #positions = new Map<number, readonly number[]>()

  constructor(model: Model, places: readonly Place[], taken: Taken, dtype: StoredDtype) {
    this.model = model
    this.places = places
    this.taken = taken
    this.dtype = dtype
    const { inputs } = model.signature
    this.ids = inputs.some(({ name }) => name === 'input_ids') ? 'input_ids' : idsInput(inputs)
  }

  /** The number of documents that the model declares for every run; undefined if it takes any number. */
  get fixedRows(): number | undefined {
    const { inputs } = this.model.signature
    const [first] = (inputs.find(({ name }) => name === this.ids) ?? inputs[0])?.dims ?? []
    return typeof first === 'number' ? first : undefined
  }

  /** The number of tokens that the model declares for every run; undefined if it takes any number. */
  get fixedTokens(): number | undefined {
    const length = this.model.signature.inputs.find(({ name }) => name === this.ids)?.dims?.[1]
    return typeof length === 'number' ? length : undefined
  }

  /** How the values of pieces of this size lie. @throws HarvestError */
  async prepare(piece: Piece): Promise<readonly Layout[]> {
    const key = piece.ids ? 'ids' : sizeKey(piece)
    let layouts = this.#layouts.get(key)
    if (!layouts) {
      layouts = piece.ids ? this.#idLayouts() : this.#plainLayouts(piece)
      this.#layouts.set(key, layouts)
    }
    return layouts
  }

  async #idLayouts(): Promise<Layout[]> {
    const rows = this.fixedRows
    const tokens = this.fixedTokens
    const most = (asTraceable(this.model, 'harvest').identity as LoadedModel).limits
      .filter(({ kind }) => kind !== 'token')
      .reduce((least, { rows }) => Math.min(least, rows), 7)
    // Numbers without a common product, so that no axis is taken for another.
    const sizes: Size[] = [
      { rows: rows ?? 2, tokens: tokens ?? Math.max(1, Math.min(5, most - 1)) },
      { rows: rows ?? 3, tokens: tokens ?? Math.min(7, most) },
    ]
    const scanned: (readonly (number | undefined)[])[][] = []
    for (const size of sizes) {
      const ids = Tensor.of(this.#idTensor(Array.from({ length: size.rows }, () => new Array(size.tokens).fill(0))))
      scanned.push(await this.#dims({ [this.ids!]: ids }))
    }
    return this.places.map(({ name }, i) => {
      const dims = scanned.map(all => all[i])
      if (rows === undefined && tokens === undefined) return layoutOf(name, dims, sizes, this.taken)
      return fixedLayout(name, dims, sizes, this.taken)
    })
  }

  async #plainLayouts(piece: Piece): Promise<Layout[]> {
    const scanned = await this.#dims(this.inputs(new Array<Piece>(this.fixedRows ?? 1).fill(piece)))
    const layouts = this.places.map(({ name }, i) => plainLayout(name, scanned[i], this.taken))
    const lengths = new Set(scanned.map(dims => (this.taken.kind === 'whole' ? 1 : dims[1]!)))
    if (lengths.size > 1)
      throw new HarvestError(
        `The places have different numbers of positions: ${this.places.map(({ name }, i) => `${name} [${scanned[i].join(', ')}]`).join(', ')}.`,
        'harvest them one by one',
      )
    this.#lengths.set(sizeKey(piece), [...lengths][0])
    return layouts
  }

  /** The dims of the places for these inputs, by a scan. */
  async #dims(inputs: Inputs): Promise<(readonly (number | undefined)[])[]> {
    // Without edits, which may name positions that short inputs lack.
    const plain = new ModelHandle(asTraceable(this.model, 'harvest').identity as LoadedModel).proxy
    const values = await plain.scan(inputs, model => this.places.map(place => place.read(model)))
    return values.map(({ dims }) => dims)
  }

  /** The number of positions in a piece that was prepared. */
  length(piece: Piece): number {
    return piece.ids?.length ?? this.#lengths.get(sizeKey(piece)) ?? 1
  }

  /** The positions of a piece that give rows. */
  positions(piece: Piece): readonly number[] {
    const length = this.length(piece)
    let positions = this.#positions.get(length)
    if (!positions) {
      positions = positionsOf(this.taken, length)
      this.#positions.set(length, positions)
    }
    return positions
  }

  /** The inputs of pieces of one size. */
  inputs(pieces: readonly Piece[]): Inputs {
    const [first] = pieces
    if (first.ids) {
      const ids = this.#idTensor(pieces.map(({ ids }) => ids!))
      return { [this.ids ?? this.model.signature.inputs[0].name]: Tensor.of(ids) }
    }
    return Object.fromEntries(
      Object.keys(first.inputs!).map(name => [name, Tensor.of(stacked(pieces.map(({ inputs }) => inputs![name])))]),
    )
  }

  #idTensor(rows: readonly (readonly number[])[]): TensorData {
    const declared = this.model.signature.inputs.find(({ name }) => name === this.ids)
    const type = declared?.type === 'int32' ? 'int32' : 'int64'
    const dims = [rows.length, rows[0].length]
    return { type, dims, data: type === 'int32' ? Int32Array.from(rows.flat()) : int64s(rows) }
  }

  /** Reads the rows of all places, in a trace of the model: in the order of places. */
  rows(model: Model, layouts: readonly Layout[], size: Size): Tensor[] {
    const type = traceDtype(this.dtype)
    return this.places.map((place, i) => rowsOf(place.read(model), layouts[i], size, this.taken).to(type))
  }

  /** The name of a node that lets documents of one batch affect each other; undefined if there is none. */
  async mixing(piece: Piece): Promise<string | undefined> {
    const target = asTraceable(this.model, 'harvest')
    const feeds = target.prepare(this.inputs(new Array<Piece>(this.fixedRows ?? 1).fill(piece)))
    const batch = joinInputs(target.inputs, [feeds])
    const { engine } = await target.variant(feeds)
    return batch && (await mixingOf(engine, feeds, batch))?.name
  }
}

/** Rows of one length as int64, without a bigint for each. */
function int64s(rows: readonly (readonly number[])[]): BigInt64Array {
  const data = new BigInt64Array(rows.length * rows[0].length)
  // onnxruntime-node runs on little-endian machines only.
  const halves = new Int32Array(data.buffer)
  let at = 0
  for (const row of rows)
    for (const number of row) {
      halves[at++] = number
      halves[at++] = Math.floor(number / 2 ** 32)
    }
  return data
}

/** In a model of fixed dims the axes can only be told by their lengths. */
function fixedLayout(
  name: string,
  dims: readonly (readonly (number | undefined)[])[],
  sizes: readonly Size[],
  taken: Taken,
): Layout {
  const [{ rows, tokens }] = sizes
  const [found] = dims
  const isUsual = found[0] === rows && (taken.kind === 'whole' || found[1] === tokens)
  if (isUsual) return plainLayout(name, found, taken)
  if (found[0] === rows * tokens && taken.kind !== 'whole')
    return { rows: 0, tokens: 0, isFlat: true, shape: found.slice(1) as number[] }
  throw new HarvestError(
    `The dims of ${name}, [${found.join(', ')}], do not begin with those of the ids, [${rows}, ${tokens}], and this model’s dims are fixed.`,
    'choose another place, or export the model with dims that vary',
  )
}

/** Puts the tensors of documents together along a new first axis. */
function stacked(parts: readonly TensorData[]): TensorData {
  const [{ type, dims }] = parts
  const size = sizeOf(dims)
  const data = allocate(type as HeldType, size * parts.length)
  parts.forEach((part, i) => {
    if (Array.isArray(data)) data.splice(i * size, size, ...(part.data as string[]))
    else (data as Float32Array).set(part.data as Float32Array, i * size)
  })
  return { type, dims: [parts.length, ...dims], data }
}

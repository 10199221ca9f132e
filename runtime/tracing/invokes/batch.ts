import { sizeOf, type TensorData } from '../../tensor/dtypes/data.ts'
import { allocate, type HeldType } from '../../tensor/dtypes/dtype.ts'

/** An input as the model declares it. */
export interface DeclaredDims {
  readonly name: string
  readonly type: string
  readonly dims: readonly (number | string | undefined)[] | undefined
}

export type Feeds = ReadonlyMap<string, TensorData>

/** The part of a batch that belongs to one invoke. */
export interface Share {
  readonly start: number
  readonly count: number
  /** The length of the invoke's own sequences, which is less than the batch's if they were padded. */
  readonly length: number | undefined
  /** The padding before its sequence. Without it, the padding is at the end. */
  readonly skip?: number
}

/** The joined inputs of several invokes. */
export interface Batch {
  /** Joins the inputs: the rows of each invoke follow those of the one before. */
  stack(): Feeds
  readonly shares: readonly Share[]
  /** The inputs that have a row for each prompt. */
  readonly batched: readonly string[]
  /** The batched inputs that were padded at the end of their second axis. */
  readonly padded: readonly string[]
}

const MASK = 'attention_mask'

/** Returns the number of rows in the inputs of one invoke; undefined if the inputs disagree. */
function rowsOf(declared: readonly DeclaredDims[], feeds: Feeds): number | undefined {
  const counts = new Set(batchedNames(declared, feeds).map(name => feeds.get(name)!.dims[0]))
  return counts.size === 1 ? [...counts][0] : undefined
}

function batchedNames(declared: readonly DeclaredDims[], feeds: Feeds): string[] {
  const isFixed = ({ name, dims }: DeclaredDims): boolean =>
    typeof dims?.[0] === 'number' || feeds.get(name)?.dims.length === 0
  return declared.filter(input => feeds.has(input.name) && !isFixed(input)).map(({ name }) => name)
}

/**
 * Joins the inputs of several invokes into one batch. Shorter sequences are padded at their end if the model has an `attention_mask` to say
 * so. Returns undefined if the inputs can't be joined.
 */
export function joinInputs(declared: readonly DeclaredDims[], all: readonly Feeds[]): Batch | undefined {
  const batched = batchedNames(declared, all[0])
  const counts = all.map(feeds => rowsOf(declared, feeds))
  if (all.length > 1 && (batched.length === 0 || counts.includes(undefined))) return undefined
  const lengths = all.map(feeds => lengthOf(batched, feeds))
  const joined = new Map<string, readonly TensorData[]>()
  const padded: string[] = []
  for (const [name, first] of all[0]) {
    const parts = all.map(feeds => feeds.get(name)!)
    if (parts.some(part => !part || part.type !== first.type || part.dims.length !== first.dims.length))
      return undefined
    if (!batched.includes(name)) {
      if (parts.some(part => !isSame(part, first))) return undefined
      joined.set(name, [first])
      continue
    }
    const isRagged = parts.some(part => part.dims.slice(1).join() !== first.dims.slice(1).join())
    if (isRagged) {
      const canPad = all[0].has(MASK) && parts.every((part, i) => part.dims.length === 2 && part.dims[1] === lengths[i])
      if (!canPad) return undefined
      padded.push(name)
    }
    joined.set(name, parts)
  }
  let start = 0
  const shares = all.map((_, i) => {
    const share = { start, count: counts[i] ?? 1, length: padded.length > 0 ? lengths[i] : undefined }
    start += share.count
    return share
  })
  const stack = (): Feeds => new Map([...joined].map(([name, parts]) => [name, stackRows(parts)]))
  return { stack, shares, batched, padded }
}

/** The length of a prompt, which its mask tells, because that has one place for each token. */
function lengthOf(batched: readonly string[], feeds: Feeds): number | undefined {
  return batched.includes(MASK) ? feeds.get(MASK)?.dims[1] : undefined
}

/** Puts the rows of all parts below each other. Shorter rows are padded with zeros. */
function stackRows(parts: readonly TensorData[]): TensorData {
  const [first] = parts
  if (parts.length === 1) return first
  const rest = first.dims.slice(1).map((_, axis) => Math.max(...parts.map(part => part.dims[axis + 1])))
  const dims = [parts.reduce((sum, part) => sum + part.dims[0], 0), ...rest]
  const data = allocate(first.type as HeldType, sizeOf(dims)) as Float32Array
  if (Array.isArray(data)) (data as string[]).fill('')
  const row = sizeOf(rest)
  let at = 0
  for (const part of parts) {
    const length = sizeOf(part.dims.slice(1))
    for (let i = 0; i < part.dims[0]; i++, at += row) {
      const values = (part.data as Float32Array).slice(i * length, (i + 1) * length)
      for (let k = 0; k < length; k++) data[at + k] = values[k]
    }
  }
  return { ...first, dims, data }
}

const isSame = (a: TensorData, b: TensorData): boolean =>
  a.dims.join() === b.dims.join() &&
  a.data.length === b.data.length &&
  Array.from(a.data as ArrayLike<unknown>).every((value, i) => value === b.data[i])

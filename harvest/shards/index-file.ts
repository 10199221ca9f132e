import { HarvestError, OtherHarvestError } from '../../runtime/errors/harvest.ts'
import type { Store } from '../store/store.ts'
import { readInfo } from './read.ts'
import { type IndexedPlace, type ShardFormat, type ShardInfo, shardName, shardNumber } from './shard.ts'

/** What `index.json` says of a harvest. */
export interface HarvestIndex {
  readonly version: 1
  /** What all shards of this harvest have in common: a hash of `made`. */
  readonly harvest: string
  readonly format: ShardFormat
  readonly places: readonly IndexedPlace[]
  /** What the rows depend on: the model and its hash, the places, the source, the edits, the cuts. */
  readonly made: Readonly<Record<string, unknown>>
  /** The versions of the programs that made it. */
  readonly versions: Readonly<Record<string, string>>
  /** Whether the source was read to its end. */
  readonly complete: boolean
  readonly rows: number
  readonly documents: number
  /** The shards that are done, in their order. */
  readonly shards: readonly { readonly file: string; readonly rows: number }[]
}

export const INDEX = 'index.json'

/** Reads the index of a folder; undefined if there is none. @throws HarvestError */
export async function readIndex(store: Store): Promise<HarvestIndex | undefined> {
  const bytes = await store.get(INDEX)
  if (!bytes) return undefined
  try {
    const index = JSON.parse(Buffer.from(bytes).toString()) as HarvestIndex
    if (index.version === 1 && Array.isArray(index.places)) return index
  } catch {
    // Below.
  }
  throw new HarvestError(`${store.name}/${INDEX} is not the index of a harvest.`, 'choose another folder')
}

export async function writeIndex(store: Store, index: HarvestIndex): Promise<void> {
  await store.put(INDEX, [Buffer.from(`${JSON.stringify(index, undefined, 1)}\n`)])
}

/** The index with the shards that are there. */
export function indexWith(index: HarvestIndex, infos: ReadonlyMap<number, ShardInfo>, complete: boolean): HarvestIndex {
  const all = [...infos.values()].sort((a, b) => a.number - b.number)
  return {
    ...index,
    complete,
    rows: all.reduce((sum, { rows }) => sum + rows, 0),
    documents: all.reduce((sum, { documents }) => sum + documents, 0),
    shards: all.map(({ number, rows }) => ({ file: shardName(number, index.format), rows })),
  }
}

/** What the shards in a folder say of themselves, by number. */
export async function shardsThere(store: Store, format: ShardFormat): Promise<Map<number, ShardInfo>> {
  const found = new Map<number, ShardInfo>()
  for (const name of await store.list()) {
    const number = shardNumber(name)
    if (number === undefined) continue
    if (!name.endsWith(`.${format}`)) throw new OtherHarvestError(store.name, 'format')
    found.set(number, (await readInfo(store, number, format))!)
  }
  return found
}

/** @throws OtherHarvestError, which names what differs */
export function assertSame(store: Store, there: HarvestIndex['made'], made: HarvestIndex['made']): void {
  for (const name of new Set([...Object.keys(there), ...Object.keys(made)]))
    if (JSON.stringify(there[name]) !== JSON.stringify(made[name])) throw new OtherHarvestError(store.name, name)
}

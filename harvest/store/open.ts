import { folderStore } from './folder.ts'
import { s3Store } from './s3.ts'
import type { Store } from './store.ts'

/** Opens the place that a harvest is written to or read from: a folder, or `s3://bucket/prefix`. */
export async function openStore(place: string): Promise<Store> {
  return place.startsWith('s3:') ? s3Store(place) : folderStore(place)
}

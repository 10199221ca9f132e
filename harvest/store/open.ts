import { folderStore } from './folder.ts'
import type { Store } from './store.ts'

/** Opens the folder that a harvest is written to or read from. */
export async function openStore(place: string): Promise<Store> {
  return folderStore(place)
}

import { open, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { UnwritableModelError } from '../../errors/onnx.ts'
import { identityOf } from '../files/file-identity.ts'
import type { NewFile } from '../files/replace-files.ts'
import { externalEntry } from '../message/external-data.ts'
import { WRITTEN_LOCATION_KEY } from '../message/fields-with-tensors.ts'
import { tensorsOf } from '../message/tensors.ts'
import type { ModelProto } from '../schema/onnx_pb.ts'

const FIX = "save it into an empty folder, or with { weights: 'external' }"

/**
 * The copies of a model's external data files that saving needs, at the same locations below the target's folder. No copy is needed where
 * a file with the same bytes exists. No location leads out of the folder, as `locateData` refuses such a model.
 * @throws UnwritableModelError for a location where a different file exists
 */
export async function dataFilesOf(message: ModelProto, folder: string, target: string): Promise<NewFile[]> {
  const files = new Map<string, NewFile>()
  for (const [location, source] of locationsOf(message, target)) {
    const path = resolve(folder, location)
    if (path === target)
      throw new UnwritableModelError(target, 'its weights are in a file of that name', 'save it under another name')
    if (files.has(path) || (await isThere(path, source, target))) continue
    files.set(path, { path, parts: [{ file: source, offset: 0, length: (await stat(source)).size }] })
  }
  return [...files.values()]
}

/** The real file of each location in the message. @throws UnwritableModelError for two files of one location */
function locationsOf(message: ModelProto, target: string): Map<string, string> {
  const found = new Map<string, string>()
  for (const tensor of tensorsOf(message)) {
    const written = externalEntry(tensor, WRITTEN_LOCATION_KEY)
    const file = externalEntry(tensor, 'location')
    if (written === undefined || file === undefined) continue
    if ((found.get(written) ?? file) !== file)
      throw new UnwritableModelError(target, `its weights come from two files that are both called ${written}`, FIX)
    found.set(written, file)
  }
  return found
}

async function isThere(path: string, source: string, target: string): Promise<boolean> {
  const existing = await identityOf(path)
  if (!existing) return false
  if (existing.id === (await identityOf(source))?.id || (await haveSameBytes(path, source))) return true
  throw new UnwritableModelError(target, `its weights would go to ${path}, which exists already`, FIX)
}

const WINDOW = 4 * 1024 * 1024

async function haveSameBytes(a: string, b: string): Promise<boolean> {
  if ((await stat(a)).size !== (await stat(b)).size) return false
  const [first, second] = [await open(a), await open(b)]
  try {
    const windows = [Buffer.alloc(WINDOW), Buffer.alloc(WINDOW)]
    for (let at = 0; ; ) {
      const { bytesRead } = await first.read(windows[0], 0, WINDOW, at)
      if (bytesRead === 0) return true
      const other = await second.read(windows[1], 0, bytesRead, at)
      if (other.bytesRead === 0) return false
      if (windows[0].compare(windows[1], 0, other.bytesRead, 0, other.bytesRead) !== 0) return false
      at += other.bytesRead
    }
  } finally {
    await first.close()
    await second.close()
  }
}

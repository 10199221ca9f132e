import { constants } from 'node:fs'
import { access, open, readdir, realpath, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

import { byDistance } from '../../errors/nearest-names.ts'
import { ModelNotFoundError, UnreadableModelError } from '../../errors/onnx.ts'
import type { SourceFile } from '../files/file-identity.ts'
import { fileSource } from '../files/file-source.ts'
import { resolveExternalData } from '../message/external-data.ts'
import type { ModelProto } from '../schema/onnx_pb.ts'
import { decodeModel } from './decode.ts'
import { locateData } from './locate-data.ts'

/** A model as it was read: all but the large tensors' bytes, which stay in their files. */
export interface ModelFile {
  /** The path as the user wrote it. */
  readonly path: string
  /** The real path, symlinks followed. */
  readonly file: string
  /** The file's message, except that large tensors are external: absolute path, offset and length. `fields-with-tensors.ts` marks such changes. */
  readonly message: ModelProto
  /** The .onnx file and the files of external data. */
  readonly sources: readonly SourceFile[]
}

/**
 * Reads an ONNX file of any size, with embedded or external weights, also behind symlinks. Weights never enter JavaScript's memory.
 * @throws ModelNotFoundError, UnreadableModelError, NotOnnxError, TruncatedModelError, ExternalDataError, UnsupportedVersionError
 */
export async function readModel(path: string): Promise<ModelFile> {
  const own = await locate(path)
  const { file, size } = own
  const handle = await open(file, constants.O_RDONLY)
  try {
    const message = await decodeModel(fileSource(handle, size), path, file)
    const locate = (location: string, tensor: string) => locateData(location, path, file, tensor)
    const sources = [own, ...(await resolveExternalData(message, path, locate))]
    return { path, file, message, sources }
  } finally {
    await handle.close()
  }
}

async function locate(path: string): Promise<SourceFile> {
  let file: string
  try {
    file = await realpath(path)
  } catch {
    throw new ModelNotFoundError(path, await nearbyFiles(path))
  }
  const found = await stat(file)
  if (found.isDirectory()) throw await isFolder(path, file)
  try {
    await access(file, constants.R_OK)
  } catch (error) {
    throw new UnreadableModelError(path, 'you have no permission to read it', { cause: error })
  }
  return { file, size: found.size, mtimeMs: found.mtimeMs, inode: found.ino }
}

async function nearbyFiles(path: string): Promise<string[]> {
  try {
    const files = await readdir(dirname(path))
    const models = files.filter(name => name.endsWith('.onnx'))
    return byDistance(basename(path), models).slice(0, 3)
  } catch {
    return []
  }
}

async function isFolder(path: string, folder: string): Promise<UnreadableModelError> {
  const models = (await readdir(folder)).filter(name => name.endsWith('.onnx')).sort()
  const fix = models.length > 0 ? `name the file: ${join(path, models[0])}` : 'give the path of a .onnx file'
  const hint = models.length > 0 ? ` that holds ${models.slice(0, 3).join(', ')}` : ''
  return new UnreadableModelError(path, `it is a folder${hint}`, { fix })
}

import { realpath, stat } from 'node:fs/promises'
import { dirname, isAbsolute, relative, resolve } from 'node:path'
import { ExternalDataError } from '../../errors/onnx.ts'
import type { SourceFile } from '../files/file-identity.ts'

/**
 * Finds a file of external data that a model names. `path` is the model's path as the user wrote it, `file` the real one. The result's path
 * is real and absolute, because a Hugging Face cache is made of symlinks, which onnxruntime refuses. Like onnxruntime, it accepts files in
 * the model's folder or below it only: a model from elsewhere could name any private file, and saving the model would copy it.
 * @throws ExternalDataError if the file is missing, or lies outside of the model's folder
 */
export async function locateData(location: string, path: string, file: string, tensor: string): Promise<SourceFile> {
  const folders = [dirname(file), dirname(resolve(path))]
  if (isAbsolute(location) || folders.some(folder => !isInside(folder, resolve(folder, location))))
    throw outside(location, path, tensor)
  const real = (await Promise.all(folders.map(folder => realOf(resolve(folder, location))))).find(Boolean)
  if (real === undefined)
    throw new ExternalDataError(
      `${path} keeps the weight ${tensor} in ${location}, but that file does not exist (looked at ${resolve(folders[0], location)}).`,
    )
  const realFolders = await Promise.all(folders.map(async folder => (await realOf(folder)) ?? folder))
  if (!realFolders.some(folder => isInside(folder, real))) throw outside(location, path, tensor)
  const { size, mtimeMs, ino } = await stat(real)
  return { file: real, size, mtimeMs, inode: ino }
}

const realOf = (path: string): Promise<string | undefined> => realpath(path).catch(() => undefined)

function isInside(folder: string, path: string): boolean {
  const way = relative(folder, path)
  return !isAbsolute(way) && way.split(/[\\/]/)[0] !== '..'
}

function outside(location: string, path: string, tensor: string): ExternalDataError {
  return new ExternalDataError(
    `${path} keeps the weight ${tensor} in ${location}, outside the model’s folder. Like onnxruntime, onnsight does not read files there.`,
    'put the file with the weights next to the model, and refer to it by its name alone (onnx.external_data_helper in Python)',
  )
}

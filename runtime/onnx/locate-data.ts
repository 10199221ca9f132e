import { realpath, stat } from 'node:fs/promises'
import { dirname, isAbsolute, resolve } from 'node:path'
import { ExternalDataError } from '../errors/onnx.ts'
import type { SourceFile } from './external.ts'

/**
 * A file of external data beside a model. The path is real and absolute: a Hugging Face cache is made of symlinks, which onnxruntime
 * refuses. `path` is the model's as it was given, `file` the real one.
 * @throws ExternalDataError if it is not there
 */
export async function locateData(location: string, path: string, file: string, tensor: string): Promise<SourceFile> {
  const candidates = isAbsolute(location)
    ? [location]
    : [resolve(dirname(file), location), resolve(dirname(path), location)]
  for (const candidate of candidates) {
    try {
      const real = await realpath(candidate)
      const { size, mtimeMs, ino } = await stat(real)
      return { file: real, size, mtimeMs, inode: ino }
    } catch {
      // The next candidate.
    }
  }
  throw new ExternalDataError(
    `${path} keeps the weight ${tensor} in ${location}, and that file is not there (looked at ${candidates[0]}).`,
  )
}

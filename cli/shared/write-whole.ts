import { realpath, stat } from 'node:fs/promises'
import { replaceFiles } from '../../runtime/onnx/files/replace-files.ts'
import { CommandError } from './errors.ts'

/** Writes a file completely or not at all. A file that was there before stays until the new one is complete. @throws CommandError */
export async function writeWhole(path: string, parts: readonly Uint8Array[]): Promise<void> {
  const target = await targetOf(path)
  try {
    await replaceFiles([{ path: target, parts }])
  } catch (error) {
    throw new CommandError(
      `${path} can't be written: ${(error as Error).message}.`,
      'check that the folder exists, that you may write to it, and that the disk has space',
      error,
    )
  }
}

/** The path of the file to write, with links resolved. @throws CommandError for a pipe, a device or a folder */
export async function targetOf(path: string): Promise<string> {
  let target: string
  try {
    target = await realpath(path)
  } catch {
    return path
  }
  if ((await stat(target)).isFile()) return target
  throw new CommandError(`${path} exists, but is not a file.`, 'pass the name of a file')
}

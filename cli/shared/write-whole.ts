import { realpath, stat } from 'node:fs/promises'
import { replaceFiles } from '../../runtime/onnx/files/replace-files.ts'
import { CommandError } from './errors.ts'

/** Writes a file so that it is there whole or not at all: what lay there before stays until then. @throws CommandError */
export async function writeWhole(path: string, parts: readonly Uint8Array[]): Promise<void> {
  const target = await placeOf(path)
  try {
    await replaceFiles([{ path: target, parts }])
  } catch (error) {
    throw new CommandError(
      `${path} can't be written: ${(error as Error).message}.`,
      'check that the folder is there, that you may write to it, and that the disk has room',
      error,
    )
  }
}

/** Where it lies, links followed. A pipe, a device or a folder is no place to put a file. */
export async function placeOf(path: string): Promise<string> {
  let target: string
  try {
    target = await realpath(path)
  } catch {
    return path
  }
  if ((await stat(target)).isFile()) return target
  throw new CommandError(`${path} is there, and is no file.`, 'give the name of a file')
}

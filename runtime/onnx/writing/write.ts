import { realpath } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { OnnsightError } from '../../errors/error.ts'
import { UnwritableModelError } from '../../errors/onnx.ts'
import { assertUnchanged, identityOf } from '../files/file-identity.ts'
import { byteLength } from '../files/parts.ts'
import { type NewFile, replaceFiles } from '../files/replace-files.ts'
import { tensorsOf } from '../message/tensors.ts'
import type { ModelFile } from '../reading/read.ts'
import { dataFilesOf } from './data-files.ts'
import { encodeModel, type PlaceTensor } from './encode.ts'
import { DataFile, placeAsRead, placeEmbedded, rangeOf } from './placing.ts'

/** Options of `model.save()`. */
export interface SaveOptions {
  /**
   * Where to write the weights: where the model's file had them; all into the .onnx file, which is then limited to 2 GiB; or all into one
   * file beside it, `NAME.onnx.data`. @default 'as-read'
   */
  readonly weights?: 'as-read' | 'embedded' | 'external'
  /**
   * Places whose values become further outputs, so that any runtime gives them: `['transformer.h.5.output']`, or names for them,
   * `{ hidden: 'transformer.h.5.output' }`. A place is `.output` or `.input` of a module's path, or the name of a value of the graph.
   */
  readonly outputs?: readonly string[] | Readonly<Record<string, string>>
  /**
   * Writes a folder instead, for Triton or KServe: `PATH/NAME/VERSION/model.onnx` and `config.pbtxt`; for KServe an `inference-service.yaml` too.
   * @default 'file'
   */
  readonly layout?: 'file' | 'triton' | 'kserve'
  /** The model's name in such a folder. @default that of the file that it was loaded from */
  readonly name?: string
  /** The number of its version there. @default 1 */
  readonly version?: number
  /** Lengths of dims in the request of zeros by which such a server warms up, by the dim's or the input's name. @default 1 for each */
  readonly warmup?: Readonly<Record<string, number>>
  /** Aborts writing. The files that existed before are then unchanged. */
  readonly signal?: AbortSignal
}

/** The most that a protobuf message can hold. */
const MOST_BYTES = 2 ** 31 - 1

/**
 * Writes a model that was read. Weights are copied from file to file in windows, never as a whole. Files are written under temporary names
 * and renamed when all are complete, so a failure leaves nothing incomplete.
 * @throws UnwritableModelError, ExternalDataError if the weights' file has become shorter, the signal's reason
 */
export async function writeModel(model: ModelFile, path: string, options: SaveOptions = {}): Promise<void> {
  const { weights = 'as-read', signal } = options
  signal?.throwIfAborted()
  try {
    const sources = await sourceIdentities(model)
    const files = await plan(model, await locate(path), weights)
    await protect(sources, files)
    await replaceFiles(files, signal)
  } catch (error) {
    if (error instanceof OnnsightError || signal?.aborted) throw error
    throw unwritable(path, error)
  }
}

/** The files to write, the model itself last. @throws UnwritableModelError for one that is too large, or an unknown option */
async function plan(model: ModelFile, target: string, weights: SaveOptions['weights']): Promise<NewFile[]> {
  const { message } = model
  const encode = (place: PlaceTensor): NewFile => ({ path: target, parts: encodeModel(message, place) })
  switch (weights) {
    case 'as-read':
      // The model may have been smaller when it was read: an edit can add large tensors.
      return [...(await dataFilesOf(message, dirname(target), target)), checkSize(encode(placeAsRead))]
    case 'embedded':
      return [checkSize(encode(placeEmbedded))]
    case 'external': {
      const data = new DataFile(`${basename(target)}.data`)
      const file = encode((tensor, isWeight) => data.place(tensor, isWeight))
      return data.parts.length === 0 ? [file] : [{ path: `${target}.data`, parts: data.parts }, file]
    }
    default:
      throw new UnwritableModelError(
        target,
        `the option weights can't be ${JSON.stringify(weights)}`,
        "use 'as-read', 'embedded' or 'external'",
      )
  }
}

function checkSize(file: NewFile): NewFile {
  const size = byteLength(file.parts)
  if (size <= MOST_BYTES) return file
  const reason = `it would have ${size} bytes with its weights inside, and protobuf ends at 2 GiB`
  throw new UnwritableModelError(file.path, reason, "keep them beside it: { weights: 'external' }")
}

/** The real path of a file whose folder exists. */
async function locate(path: string): Promise<string> {
  const target = join(await realpath(dirname(path)), basename(path))
  if ((await identityOf(target))?.isFolder)
    throw new UnwritableModelError(path, 'it is a folder', 'give the path of a .onnx file')
  return target
}

/** Identities of the files that weights are read from. @throws ExternalDataError for one that has changed */
async function sourceIdentities({ message, sources }: ModelFile): Promise<Set<string>> {
  const read = new Set<string | undefined>()
  for (const tensor of tensorsOf(message)) read.add(rangeOf(tensor)?.file)
  const identities = new Set<string>()
  for (const source of sources) if (read.has(source.file)) identities.add((await assertUnchanged(source)).id)
  return identities
}

/** Refuses to replace a file that the loaded model reads its weights from. @throws UnwritableModelError */
async function protect(sources: ReadonlySet<string>, files: readonly NewFile[]): Promise<void> {
  for (const { path } of files) {
    const existing = await identityOf(path)
    if (existing && sources.has(existing.id))
      throw new UnwritableModelError(path, 'the loaded model reads its weights from it', 'save it under another name')
  }
}

function unwritable(path: string, error: unknown): UnwritableModelError {
  const { code = '', message } = error as NodeJS.ErrnoException
  const [reason, fix] = failures[code] ?? [message, 'choose another place']
  return new UnwritableModelError(path, reason, fix, error)
}

const failures: Readonly<Record<string, readonly [reason: string, fix: string]>> = {
  ENOENT: ['its folder is not there', 'make the folder first'],
  ENOTDIR: ['a part of its path is a file', 'check the path'],
  EISDIR: ['it is a folder', 'give the path of a .onnx file'],
  EACCES: ['you have no permission to write there', 'choose another folder'],
  EPERM: ['you have no permission to write there', 'choose another folder'],
  EROFS: ['its file system is read-only', 'choose another folder'],
  ENOSPC: ['there is no room left', 'make room, or choose another disk'],
  EDQUOT: ['your quota of disk space is used up', 'make room, or choose another disk'],
}

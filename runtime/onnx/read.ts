import { constants } from 'node:fs'
import { access, type FileHandle, open, readdir, realpath, stat } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { fromBinary } from '@bufbuild/protobuf'
import { distance } from 'fastest-levenshtein'
import {
  ModelNotFoundError,
  NotOnnxError,
  TruncatedModelError,
  UnreadableModelError,
  UnsupportedVersionError,
} from '../errors/onnx.ts'
import { resolveExternalData, type SourceFile } from './external.ts'
import { recognise } from './recognise.ts'
import { type ModelProto, ModelProtoSchema } from './schema/onnx_pb.ts'
import { readSkeleton } from './skeleton.ts'
import { WireReader } from './wire.ts'

/** A model as it was read: everything but the large tensors' bytes, which stay where they lie. */
export interface ModelFile {
  /** As it was given. */
  readonly path: string
  /** The file itself, symlinks followed. */
  readonly file: string
  /** As it stands in the file, but for large tensors: they are external, with location (an absolute path), offset, length. Marked where changed. */
  readonly message: ModelProto
  /** The .onnx file, and those that external data lies in. */
  readonly sources: readonly SourceFile[]
}

/** The newest versions that onnxruntime 1.30 loads. */
const MOST_IR = 13
const MOST_OPSET = 26

/**
 * Reads an ONNX file: embedded or external weights, of any size, behind symlinks too. Weights never enter JavaScript's memory.
 * @throws ModelNotFoundError, UnreadableModelError, NotOnnxError, TruncatedModelError, ExternalDataError, UnsupportedVersionError
 */
export async function readModel(path: string): Promise<ModelFile> {
  const own = await locate(path)
  const { file, size } = own
  const handle = await open(file, constants.O_RDONLY)
  try {
    await recognise(handle, path, size)
    const message = await decode(handle, path, file, size)
    checkVersions(path, message)
    const sources = [own, ...(await resolveExternalData(message, path, file))]
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
  if (found.isDirectory()) throw new UnreadableModelError(path, `it is a folder${await folderHint(file)}`)
  try {
    await access(file, constants.R_OK)
  } catch (error) {
    throw new UnreadableModelError(path, 'you have no permission to read it', error)
  }
  return { file, size: found.size, mtimeMs: found.mtimeMs, inode: found.ino }
}

async function nearbyFiles(path: string): Promise<string[]> {
  try {
    const files = await readdir(dirname(path))
    const models = files.filter(name => name.endsWith('.onnx'))
    return models.sort((a, b) => distance(a, basename(path)) - distance(b, basename(path))).slice(0, 3)
  } catch {
    return []
  }
}

async function folderHint(folder: string): Promise<string> {
  const models = (await readdir(folder)).filter(name => name.endsWith('.onnx'))
  return models.length > 0 ? ` that holds ${models.slice(0, 3).join(', ')}` : ''
}

async function decode(handle: FileHandle, path: string, file: string, size: number): Promise<ModelProto> {
  let bytes: Uint8Array
  try {
    bytes = await readSkeleton(new WireReader(handle, size), file)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    if (/past the end|ends/.test(error.message)) throw new TruncatedModelError(path, size, error.message)
    throw new NotOnnxError(path, `no protobuf message (${error.message})`)
  }
  let proto: ModelProto
  try {
    proto = fromBinary(ModelProtoSchema, bytes)
  } catch (error) {
    throw new NotOnnxError(path, `no ONNX message (${error instanceof Error ? error.message : error})`)
  }
  if (!proto.graph || proto.irVersion === 0n) throw new NotOnnxError(path, 'a protobuf message without a graph')
  return proto
}

function checkVersions(path: string, proto: ModelProto): void {
  const ir = Number(proto.irVersion)
  if (ir > MOST_IR) throw new UnsupportedVersionError(path, 'IR version', ir, MOST_IR)
  for (const { domain, version } of proto.opsetImport) {
    if ((domain === '' || domain === 'ai.onnx') && Number(version) > MOST_OPSET) {
      throw new UnsupportedVersionError(path, 'opset', Number(version), MOST_OPSET)
    }
  }
}

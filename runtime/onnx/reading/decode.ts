import { fromBinary } from '@bufbuild/protobuf'
import { NotOnnxError, TruncatedModelError, UnsupportedVersionError } from '../../errors/onnx.ts'
import type { ByteSource } from '../files/byte-source.ts'
import { type ModelProto, ModelProtoSchema } from '../schema/onnx_pb.ts'
import { recognise } from './recognise.ts'
import { readSkeleton } from './skeleton.ts'
import { WireReader } from './wire.ts'

/** The newest versions that onnxruntime 1.30 loads. */
const MOST_IR = 13
const MOST_OPSET = 26

/**
 * Decodes an ONNX file without its large tensors' payloads, which become references to `location` with an offset and a length in bytes.
 * `path` names the file in errors.
 * @throws NotOnnxError, TruncatedModelError, UnsupportedVersionError
 */
export async function decodeModel(source: ByteSource, path: string, location: string): Promise<ModelProto> {
  await recognise(source, path)
  let bytes: Uint8Array
  try {
    bytes = await readSkeleton(new WireReader(source), location)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    if (/past the end|ends/.test(error.message)) throw new TruncatedModelError(path, source.size, error.message)
    throw new NotOnnxError(path, `no protobuf message (${error.message})`)
  }
  let proto: ModelProto
  try {
    proto = fromBinary(ModelProtoSchema, bytes)
  } catch (error) {
    throw new NotOnnxError(path, `no ONNX message (${error instanceof Error ? error.message : error})`)
  }
  if (!proto.graph || proto.irVersion === 0n) throw new NotOnnxError(path, 'a protobuf message without a graph')
  checkVersions(path, proto)
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

import { create } from '@bufbuild/protobuf'
import { ExternalDataError } from '../../errors/onnx.ts'
import {
  type ModelProto,
  StringStringEntryProtoSchema,
  type TensorProto,
  TensorProto_DataLocation,
} from '../schema/onnx_pb.ts'
import { FIELD_KEY, WRITTEN_LOCATION_KEY } from './fields-with-tensors.ts'
import { tensorByteLength } from './tensor-type.ts'
import { tensorsOf } from './tensors.ts'

/** One entry of a tensor's external data: location, offset, length, checksum. */
export function externalEntry(tensor: TensorProto, key: string): string | undefined {
  if (tensor.dataLocation !== TensorProto_DataLocation.EXTERNAL) return undefined
  return tensor.externalData.find(entry => entry.key === key)?.value
}

/** Finds the file of weights that `location` names in the model. Messages name `tensor`. @throws ExternalDataError */
export type Locate<F extends DataFile> = (location: string, tensor: string) => Promise<F>

/** A file that contains weights; its size is in bytes. */
export interface DataFile {
  readonly file: string
  readonly size: number
}

/**
 * Finds the files of external tensors and checks that each tensor lies within its file. Replaces locations by the paths that `locate` finds.
 * @throws ExternalDataError for a file that is missing or too short
 */
export async function resolveExternalData<F extends DataFile>(
  proto: ModelProto,
  path: string,
  locate: Locate<F>,
): Promise<F[]> {
  const files = new Map<string, F>()
  for (const tensor of tensorsOf(proto)) {
    const location = externalEntry(tensor, 'location')
    if (location === undefined) continue
    if (externalEntry(tensor, FIELD_KEY) === undefined) {
      let found = files.get(location)
      if (!found) {
        found = await locate(location, tensor.name)
        files.set(location, found)
      }
      checkLength(tensor, location, found.size)
      rewrite(tensor, location, found)
    }
    checkDims(tensor, path)
  }
  return [...files.values()]
}

function checkLength(tensor: TensorProto, location: string, size: number): void {
  const offset = Number(externalEntry(tensor, 'offset') ?? 0)
  const length = Number(externalEntry(tensor, 'length') ?? tensorByteLength(tensor.dataType, tensor.dims) ?? 0)
  if (offset + length <= size) return
  throw new ExternalDataError(
    `${location} is too short: the weight ${tensor.name} ends at byte ${offset + length}, and the file has ${size}.`,
    'download or export it again: it is incomplete, or belongs to another model',
  )
}

function checkDims(tensor: TensorProto, path: string): void {
  const length = externalEntry(tensor, 'length')
  const expected = tensorByteLength(tensor.dataType, tensor.dims)
  if (length === undefined || expected === undefined || Number(length) === expected) return
  throw new ExternalDataError(
    `${path}: the weight ${tensor.name} has ${length} bytes, and its dims [${tensor.dims.join(', ')}] need ${expected}.`,
    'download or export it again',
  )
}

/** Sets the location to the real file, keeps the written one in another entry, and adds the length if it is missing. */
function rewrite(tensor: TensorProto, location: string, { file, size }: DataFile): void {
  const entry = tensor.externalData.find(item => item.key === 'location')
  if (entry) entry.value = file
  const add = (key: string, value: string): void => {
    tensor.externalData.push(create(StringStringEntryProtoSchema, { key, value }))
  }
  add(WRITTEN_LOCATION_KEY, location)
  if (externalEntry(tensor, 'length') !== undefined) return
  const rest = size - Number(externalEntry(tensor, 'offset') ?? 0)
  add('length', String(tensorByteLength(tensor.dataType, tensor.dims) ?? rest))
}

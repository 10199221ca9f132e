import { dirname, relative, sep } from 'node:path'
import { ExternalDataError } from '../../errors/onnx.ts'
import { externalEntry } from '../../onnx/message/external-data.ts'
import { withFields } from '../../onnx/message/message.ts'
import type { TensorProto } from '../../onnx/schema/onnx_pb.ts'
import type { Sidecar } from '../../onnx/weights-on-disk/sidecar.ts'
import { type DataLocation, relocate } from './relocate.ts'
import type { WeightPreparation } from './weights.ts'

/**
 * Gives sessions initializers as references (file, offset, length). onnxruntime-node maps those files, and sessions share the pages. It
 * needs locations relative to one folder that contains all files.
 * @param sidecar returns the copy to map them from, instead of the model's own files
 */
export function mappedWeights(sidecar: () => Sidecar | undefined = () => undefined): WeightPreparation {
  return tensors => {
    const locations = [...tensors.values()].flatMap(tensor => externalEntry(tensor, 'location') ?? [])
    const ownFolder = commonFolder([...new Set(locations)])
    const known = { inPlace: new Map<string, TensorProto>(), inSidecar: new Map<string, TensorProto>() }
    const prepare = (names: Iterable<string>) => {
      // If the sidecar was removed from the cache, the model's own files are used.
      const opened = sidecar()
      const source = opened?.exists() ? opened : undefined
      const folder = source ? dirname(source.file) : ownFolder
      const prepared = source ? known.inSidecar : known.inPlace
      const found: TensorProto[] = []
      for (const name of names) {
        let tensor = prepared.get(name)
        if (!tensor) {
          const own = tensors.get(name)
          if (!own) throw new Error(`No initializer is called ${name}.`)
          // Mapping zero bytes of a file ends the process.
          tensor = own.dims.includes(0n)
            ? withFields(own, { name, externalData: [], dataLocation: 0, rawData: new Uint8Array() })
            : relocate(own, name, location => ({
                location: posixRelative(folder ?? '', source?.file ?? location),
                offset: source ? String(source.offsetOf(own)) : externalEntry(own, 'offset'),
                ...packedEntries(source?.packedOf(own) ?? []),
              }))
          prepared.set(name, tensor)
        }
        found.push(tensor)
      }
      return { tensors: found, folder }
    }
    const isPacked = (name: string): boolean => {
      const own = tensors.get(name)
      return own !== undefined && (sidecar()?.packedOf(own).length ?? 0) > 0
    }
    return { prepare, isPacked }
  }
}

const packedEntries = (packed: readonly string[]): Partial<DataLocation> =>
  Object.fromEntries(packed.map((entry, i) => [`prepacked_${i}`, entry]))

const posixRelative = (from: string, to: string): string => relative(from, to).split(sep).join('/')

function commonFolder(files: readonly string[]): string | undefined {
  if (files.length === 0) return undefined
  let folder = dirname(files[0])
  for (const file of files) {
    while (file !== folder && !file.startsWith(folder.endsWith(sep) ? folder : folder + sep)) {
      const up = dirname(folder)
      // Windows has a root for each drive.
      if (up === folder)
        throw new ExternalDataError(
          `The weights lie on two drives: ${files[0]} and ${file}. onnxruntime maps them from one folder.`,
          'put them on one drive, or the cacheFolder on that of the model',
        )
      folder = up
    }
  }
  return folder
}

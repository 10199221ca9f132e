import { dirname, relative, sep } from 'node:path'
import { create } from '@bufbuild/protobuf'
import { ExternalDataError } from '../errors/onnx.ts'
import { externalEntry } from '../onnx/external.ts'
import { withFields } from '../onnx/message.ts'
import {
  StringStringEntryProtoSchema,
  type TensorProto,
  TensorProto_DataLocation,
  TensorProtoSchema,
} from '../onnx/schema/onnx_pb.ts'
import type { Sidecar } from '../onnx/sidecar.ts'

/** Initializers as they go into a session's graph. */
export interface PreparedWeights {
  readonly tensors: readonly TensorProto[]
  /** The folder that their locations are relative to; undefined if nothing is external. */
  readonly folder: string | undefined
}

/**
 * Initializers as a session takes them: small ones as they are, large ones as a reference to (file, offset, length). onnxruntime
 * maps those files and shares the pages between sessions. It wants locations relative to one folder that all files lie below.
 */
export class Weights {
  readonly #tensors: ReadonlyMap<string, TensorProto>
  readonly #folder: string | undefined
  readonly #sidecar: Sidecar | undefined
  readonly #inPlace = new Map<string, TensorProto>()
  readonly #inSidecar = new Map<string, TensorProto>()

  /** @param sidecar the place to map them from, rather than where they lie */
  constructor(tensors: ReadonlyMap<string, TensorProto>, sidecar?: Sidecar) {
    this.#tensors = tensors
    this.#sidecar = sidecar
    const files = new Set<string>()
    for (const tensor of tensors.values()) {
      const location = externalEntry(tensor, 'location')
      if (location !== undefined) files.add(location)
    }
    this.#folder = commonFolder([...files])
  }

  has(name: string): boolean {
    return this.#tensors.has(name)
  }

  get(name: string): TensorProto | undefined {
    return this.#tensors.get(name)
  }

  /** Bytes that lie in files, for one initializer. */
  externalBytes(name: string): number {
    const tensor = this.#tensors.get(name)
    return tensor ? Number(externalEntry(tensor, 'length') ?? 0) : 0
  }

  prepare(names: Iterable<string>): PreparedWeights {
    // A sidecar that was cleared away is not missed: what it was made from is still there.
    const sidecar = this.#sidecar?.isThere() ? this.#sidecar : undefined
    const folder = sidecar ? dirname(sidecar.file) : this.#folder
    const known = sidecar ? this.#inSidecar : this.#inPlace
    const tensors: TensorProto[] = []
    for (const name of names) {
      let prepared = known.get(name)
      if (!prepared) {
        prepared = this.#relocate(name, folder, sidecar)
        known.set(name, prepared)
      }
      tensors.push(prepared)
    }
    return { tensors, folder }
  }

  #relocate(name: string, folder: string | undefined, sidecar: Sidecar | undefined): TensorProto {
    const tensor = this.#tensors.get(name)
    if (!tensor) throw new Error(`No initializer is called ${name}.`)
    const location = externalEntry(tensor, 'location')
    if (location === undefined) return tensor.name === name ? tensor : withFields(tensor, { name })
    const place = {
      location: posixRelative(folder ?? '', sidecar?.file ?? location),
      offset: sidecar ? String(sidecar.offsetOf(tensor)) : externalEntry(tensor, 'offset'),
      length: externalEntry(tensor, 'length'),
    }
    return create(TensorProtoSchema, {
      name,
      dims: tensor.dims,
      dataType: tensor.dataType,
      dataLocation: TensorProto_DataLocation.EXTERNAL,
      externalData: Object.entries(place).flatMap(([key, value]) =>
        value === undefined ? [] : [create(StringStringEntryProtoSchema, { key, value })],
      ),
    })
  }
}

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

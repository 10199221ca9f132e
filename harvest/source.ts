import { HarvestError } from '../runtime/errors/harvest.ts'
import type { LoadedModel } from '../runtime/model/loaded/loaded-model.ts'
import type { Model } from '../runtime/model/model.ts'
import type { TensorLike } from '../runtime/tensor/values/convert.ts'
import { toTensor } from '../runtime/tensor/values/convert.ts'
import { asTraceable } from '../runtime/tracing/traceable.ts'
import type { HarvestOptions, HarvestSource } from './options.ts'
import { filesOf } from './sources/files.ts'
import { type ImageInput, imageFiles, imageReader } from './sources/images.ts'
import type { Item, Kind } from './sources/item.ts'
import { itemOf, itemsOfFiles, type Reading } from './sources/read.ts'
import { rowsOf } from './sources/tensors.ts'

/** The documents to harvest from. */
export interface Source {
  readonly kind: Kind
  readonly items: AsyncIterable<Item>
  /** What the index says of it: files with their sizes, so that a harvest does not go on with others. */
  readonly about: unknown
}

/** @throws HarvestError for none or several sources */
export async function sourceOf(model: Model, options: HarvestOptions): Promise<Source> {
  const given = (['texts', 'ids', 'tensors', 'images'] as const).filter(kind => options[kind] !== undefined)
  if (given.length !== 1)
    throw new HarvestError(
      given.length === 0 ? 'No documents were given.' : `Two sources were given: ${given.join(' and ')}.`,
      "pass one: texts: 'corpus.jsonl', ids: [[1, 2]], tensors: 'inputs.safetensors', or images: 'photos'",
    )
  const [kind] = given
  const { column = kind === 'texts' ? 'text' : 'input_ids' } = options
  const reading: Reading = { kind, column, input: model.signature.inputs[0]?.name ?? '' }
  const source = options[kind] as HarvestSource<unknown>
  const paths = pathsOf(source, kind)
  if (kind === 'images') {
    const { path } = (asTraceable(model, 'harvest').identity as LoadedModel).source
    const input = model.signature.inputs[0]
    if (!paths) return { kind, items: imagesOf(source as Iterable<unknown>, path, input), about: { kind, files: null } }
    const files = await filesOf(paths)
    return {
      kind,
      items: imageFiles(paths, path, input),
      about: { kind, files: files.map(({ path, size }) => [path, size]) },
    }
  }
  if (paths) {
    const files = await filesOf(paths)
    return {
      kind,
      items: itemsOfFiles(paths, reading),
      about: { kind, column, files: files.map(({ path, size }) => [path, size]) },
    }
  }
  return { kind, items: itemsOf(source as Iterable<unknown>, reading), about: { kind, files: null } }
}

/** The paths that a source names. A list of strings is a list of texts if it is given as texts and no string in it is a path of a known form. */
function pathsOf(source: HarvestSource<unknown>, kind: Kind): readonly string[] | undefined {
  if (typeof source === 'string') return [source]
  const isPaths = Array.isArray(source) && source.length > 0 && source.every(one => typeof one === 'string')
  if (!isPaths || (kind === 'texts' && !source.every(one => FILE.test(one as string)))) return undefined
  return source as readonly string[]
}

/** Files that can be read, and addresses of data sets. */
const FILE = /^(hf:\/\/\S+|\S+\.(txt|jsonl|ndjson|parquet|arrow|feather)(\.gz)?)$/i

async function* imagesOf(
  source: Iterable<unknown> | AsyncIterable<unknown>,
  path: string,
  input: ImageInput,
): AsyncGenerator<Item> {
  const read = await imageReader(path, input)
  let number = 0
  for await (const image of source) {
    if (!(image instanceof Uint8Array))
      throw new HarvestError(`Image ${number} is no file’s bytes.`, 'give paths, or the bytes of files as Uint8Array')
    yield read(image, `image ${number++}`)
  }
}

async function* itemsOf(source: Iterable<unknown> | AsyncIterable<unknown>, reading: Reading): AsyncGenerator<Item> {
  const total = Array.isArray(source) ? source.length : undefined
  let number = 0
  for await (const value of source) {
    number++
    const seen = total === undefined ? {} : { read: number / total }
    if (reading.kind !== 'tensors') yield { ...itemOf(value, `document ${number - 1}`, reading), ...seen }
    else
      for (const item of rowsOf(tensorsOf(value, reading.input), `document ${number - 1}`))
        yield { inputs: item.inputs!, ...seen }
  }
}

function tensorsOf(value: unknown, input: string) {
  const isNamed =
    typeof value === 'object' &&
    value !== null &&
    !ArrayBuffer.isView(value) &&
    !Array.isArray(value) &&
    !('dims' in value)
  const named = (isNamed ? value : { [input]: value }) as Readonly<Record<string, TensorLike>>
  return Object.fromEntries(Object.entries(named).map(([name, one]) => [name, toTensor(one)]))
}

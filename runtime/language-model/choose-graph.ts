import { LanguageModelError } from '../errors/language-model.ts'
import { listed } from '../errors/listed.ts'

/** The builds of a model: transformers.js’s names of them, each with the end of its file’s name. */
const SUFFIXES = {
  fp32: '',
  fp16: '_fp16',
  q8: '_quantized',
  int8: '_int8',
  uint8: '_uint8',
  q4: '_q4',
  q4f16: '_q4f16',
  bnb4: '_bnb4',
} as const

/** A build of a model, named for the type of its weights. */
export type ModelDtype = keyof typeof SUFFIXES

export const dtypes = Object.keys(SUFFIXES) as ModelDtype[]

/** Names of graphs that take token ids, as transformers.js and optimum call them. The first one that a folder has is chosen. */
const DECODERS = ['decoder_model_merged', 'decoder_model', 'decoder_with_past_model']
const GRAPHS = ['model', 'text_model', ...DECODERS]
const ENCODER = 'encoder_model'

/** The paths of a language model's graphs in its folder. */
export interface ChosenGraphs {
  readonly path: string
  /** The encoder, if the model has it in a separate graph. */
  readonly encoder?: string
}

export interface GraphChoice {
  readonly dtype?: ModelDtype | undefined
  /** The path of the graph in the folder. */
  readonly file?: string | undefined
}

interface Candidate {
  readonly path: string
  readonly base: string
  readonly dtype: ModelDtype
}

/**
 * Chooses the graph among a folder's files. @throws LanguageModelError if there is no graph, if several graphs could be meant, and for a dtype
 * that the folder lacks
 */
export function chooseGraphs(folder: string, files: readonly string[], { dtype, file }: GraphChoice): ChosenGraphs {
  const graphs = files.filter(path => path.endsWith('.onnx')).toSorted()
  if (graphs.length === 0)
    throw new LanguageModelError(
      `${folder} has no graph: no file in it ends with .onnx${files.some(path => /\.(safetensors|bin)$/.test(path)) ? ', but there are weights of PyTorch' : ''}.`,
      'export the model, optimum-cli export onnx --model … folder/, or take one from onnx-community on the hub',
    )
  if (file !== undefined) {
    if (graphs.includes(file)) return { path: file }
    throw new LanguageModelError(`${folder} has no ${file}.`, `give one of its graphs: ${listed(graphs)}`)
  }
  const candidates = graphs.flatMap(path => candidateOf(path) ?? [])
  const encoders = candidates.filter(({ base }) => base === ENCODER)
  const names = encoders.length > 0 ? DECODERS : GRAPHS
  const base = names.find(name => candidates.some(candidate => candidate.base === name))
  if (base === undefined) {
    if (graphs.length === 1 && (dtype === undefined || dtype === 'fp32')) return { path: graphs[0] }
    throw undecided(folder, graphs)
  }
  const path = withDtype(
    folder,
    candidates.filter(candidate => candidate.base === base),
    dtype,
  )
  return encoders.length > 0 ? { path, encoder: withDtype(folder, encoders, dtype) } : { path }
}

/** The paths at which a graph may lie in a folder that can't be listed. The usual ones come first. */
export function likelyPaths({ dtype = 'fp32', file }: GraphChoice): string[] {
  if (file !== undefined) return [file]
  const names = ['model', 'decoder_model_merged', 'decoder_model'].map(name => `${name}${SUFFIXES[dtype]}.onnx`)
  return names.flatMap(name => [`onnx/${name}`, name])
}

/** The path of the encoder that belongs to a decoder at `path`; undefined if the graph there is no decoder. */
export function encoderPath(path: string): string | undefined {
  const [, folder, suffix] = /^(.*\/)?decoder_(?:with_past_)?model(?:_merged)?(_\w+)?\.onnx$/.exec(path) ?? []
  return /(^|\/)decoder_/.test(path) ? `${folder ?? ''}${ENCODER}${suffix ?? ''}.onnx` : undefined
}

function candidateOf(path: string): Candidate | undefined {
  const name = path.slice(path.lastIndexOf('/') + 1, -'.onnx'.length)
  // The longest suffixes come first, because every name ends with fp32's, which is empty.
  const dtype = dtypes
    .toSorted((a, b) => SUFFIXES[b].length - SUFFIXES[a].length)
    .find(type => name.endsWith(SUFFIXES[type]))!
  const base = name.slice(0, name.length - SUFFIXES[dtype].length)
  return base === ENCODER || GRAPHS.includes(base) ? { path, base, dtype } : undefined
}

function withDtype(folder: string, candidates: readonly Candidate[], dtype: ModelDtype | undefined): string {
  const there = dtypes.filter(type => candidates.some(candidate => candidate.dtype === type))
  const wanted = dtype ?? (there.includes('fp32') || there.length > 1 ? 'fp32' : there[0])
  const found = candidates.filter(candidate => candidate.dtype === wanted)
  if (found.length === 1) return found[0].path
  if (found.length > 1)
    throw undecided(
      folder,
      found.map(({ path }) => path),
    )
  if (dtype === undefined)
    throw undecided(
      folder,
      candidates.map(({ path }) => path),
    )
  throw new LanguageModelError(
    `${folder} has no ${candidates[0].base} of dtype ${dtype}.`,
    `load one that it has: { dtype: ${there.map(type => `'${type}'`).join(' or ')} }`,
  )
}

const undecided = (folder: string, graphs: readonly string[]): LanguageModelError =>
  new LanguageModelError(
    `${folder} has several graphs: ${listed(graphs)}.`,
    `say which: { file: '${graphs[0]}' }; on the command line, give the path of the graph itself`,
  )

import type { Model, Tensor } from 'onnsight'
import { load, tensor } from 'onnsight'
import { distance } from '../test/cases/compare.ts'

/** The precision of a build, which decides how far it may be from PyTorch: by rounding for float32, and by more for the others. */
export type Precision = 'float32' | 'float16' | 'quantised'

/** One answer of the matrix: yes, or no with a reason. */
export type Answer = { readonly yes: true; readonly note?: string } | { readonly yes: false; readonly reason: string }

export interface Checked {
  readonly loads: Answer
  readonly layers: Answer
  readonly reads: Answer
  readonly writes: Answer
  readonly generates: Answer
}

/** The columns of the matrix, in order. */
export const COLUMNS = ['loads', 'layers', 'reads', 'writes', 'generates'] as const satisfies readonly (keyof Checked)[]

export interface Reference {
  readonly inputs: Readonly<Record<string, Tensor>>
  /** The output of each module in PyTorch, by place: `layer.1`, `attn.0`, `head`. */
  readonly reads: ReadonlyMap<string, Tensor>
  /** PyTorch's path of each place. */
  readonly places: Readonly<Record<string, string>>
  readonly out: Tensor
  /** A vector that is added to the output of layer 1. */
  readonly vector: Tensor
  /** The model's output with that vector. */
  readonly written: Tensor
  readonly generated: Tensor | undefined
}

const TOKENS = 8

/** Opens one file and compares everything with PyTorch. */
export async function check(path: string, reference: Reference, precision: Precision): Promise<Checked> {
  const unknown: Answer = { yes: false, reason: 'it does not load' }
  let model: Model
  try {
    model = await load(path)
  } catch (error) {
    return { loads: no(error), layers: unknown, reads: unknown, writes: unknown, generates: unknown }
  }
  try {
    const paths = new Map(Object.entries(reference.places).map(([place, torch]) => [place, inFile(model, torch)]))
    return {
      loads: { yes: true },
      layers: layersNamed(paths),
      reads: await attempt(() => reads(model, paths, reference, precision)),
      writes: await attempt(() => writes(model, paths, reference, precision)),
      generates: reference.generated
        ? await attempt(() => generates(model, reference, precision))
        : { yes: false, reason: '' },
    }
  } finally {
    await model.release()
  }
}

/** The path of PyTorch's module in this file. Exporters leave out the outermost names, and onnxruntime-genai uses other names. */
function inFile(model: Model, torch: string): string | undefined {
  const renamed = torch
    .replace('.self_attn', '.attn')
    .replace(/^model\.norm$/, `model.layers.${layersOf(model)}.final_norm_layernorm`)
  const shorter = torch.split('.').map((_, i, parts) => parts.slice(i).join('.'))
  return [torch, renamed, ...shorter].find(path => hasNodes(model, path))
}

function layersOf(model: Model): number {
  try {
    return model.module('model.layers').length - 1
  } catch {
    return 0
  }
}

function hasNodes(model: Model, path: string): boolean {
  try {
    return Object.keys(model.module(path).outputs).length > 0
  } catch {
    return false
  }
}

function layersNamed(paths: ReadonlyMap<string, string | undefined>): Answer {
  const missing = [...paths].filter(([place, path]) => place.startsWith('layer.') && !path).map(([place]) => place)
  return missing.length === 0 ? { yes: true } : { yes: false, reason: `${missing.join(', ')} not found` }
}

async function reads(
  model: Model,
  paths: ReadonlyMap<string, string | undefined>,
  reference: Reference,
  precision: Precision,
): Promise<Answer> {
  const off: string[] = []
  let equal = 0
  for (const [place, expected] of reference.reads) {
    const path = paths.get(place)
    if (!path) {
      off.push(`${place}: no such module`)
      continue
    }
    try {
      const got = await model.trace(inputsFor(model, reference), m => m.module(path).output)
      const wrong = await far(got, expected, precision)
      if (wrong) off.push(`${place}: ${wrong}`)
      else equal++
    } catch (error) {
      off.push(`${place}: ${firstLine(error)}`)
    }
  }
  const note = `${equal} of ${reference.reads.size}`
  return off.length === 0 ? { yes: true, note } : { yes: false, reason: `${note}; ${off.join('; ')}` }
}

async function writes(
  model: Model,
  paths: ReadonlyMap<string, string | undefined>,
  reference: Reference,
  precision: Precision,
): Promise<Answer> {
  const path = paths.get('layer.1')
  if (!path) return { yes: false, reason: 'layer 1 is not found' }
  const got = await model.trace(inputsFor(model, reference), m => {
    const { output } = m.module(path)
    m.module(path).output = output.add(tensor(reference.vector).to(output.type))
    return finalOutput(m)
  })
  if (distance(reference.out, reference.written) < 0.01) throw new Error('the write moves nothing in PyTorch')
  const wrong = await far(got, reference.written, precision)
  return wrong ? { yes: false, reason: wrong } : { yes: true }
}

async function generates(model: Model, reference: Reference, precision: Precision): Promise<Answer> {
  const expected = reference.generated!
  const given = Object.entries(inputsFor(model, reference)).map(
    async ([name, value]) => [name, await value.slice(':1').value()] as const,
  )
  const { ids } = await model.generate(Object.fromEntries(await Promise.all(given)), {
    maxNewTokens: TOKENS,
    eosTokenId: [],
  })
  const [got, wanted] = [ids, expected].map(value => String(value.tolist()))
  if (got === wanted) return { yes: true }
  if (precision === 'float32') return { yes: false, reason: `${got.slice(-40)}, PyTorch ${wanted.slice(-40)}` }
  return { yes: true, note: 'other tokens at this precision' }
}

/** The output to compare with PyTorch's: the model's first one that is no cache. */
function finalOutput(model: Model): Tensor {
  const name = model.signature.outputs.find(output => !/^present|^past/.test(output.name))!.name
  return model.tensor(name)
}

/** The reference's inputs that this file takes. A decoder in a separate file has other names for them than the whole model. */
function inputsFor(model: Model, { inputs }: Reference): Record<string, Tensor> {
  const names = new Set(model.signature.inputs.map(input => input.name))
  const isDecoder = 'decoder_input_ids' in inputs && !names.has('decoder_input_ids')
  const known = isDecoder
    ? { ...inputs, input_ids: inputs.decoder_input_ids, encoder_attention_mask: inputs.attention_mask }
    : inputs
  return Object.fromEntries(Object.entries(known).filter(([name, value]) => value && names.has(name)))
}

/** Undefined if the values are equal for this precision; otherwise, by how much they differ. */
async function far(got: Tensor, expected: Tensor, precision: Precision): Promise<string | undefined> {
  const value = await (got.type === 'float32' ? got : got.to('float32')).value()
  if (String(value.dims) !== String(expected.dims)) return `dims ${value.dims}, PyTorch ${expected.dims}`
  if (precision === 'quantised') {
    const alike = cosine(value, expected)
    return alike > 0.85 ? undefined : `cosine ${alike.toFixed(2)} with PyTorch's`
  }
  const off = distance(value, expected)
  return off <= (precision === 'float16' ? 2e-2 : 2e-4) ? undefined : `off by ${off.toPrecision(2)} of the largest`
}

function cosine(a: Tensor, b: Tensor): number {
  const [x, y] = [a.data, b.data] as Float32Array[]
  let [xy, xx, yy] = [0, 0, 0]
  x.forEach((value, i) => {
    xy += value * y[i]
    xx += value * value
    yy += y[i] * y[i]
  })
  return xy / Math.sqrt(xx * yy || 1)
}

async function attempt(ask: () => Promise<Answer>): Promise<Answer> {
  try {
    return await ask()
  } catch (error) {
    return no(error)
  }
}

const no = (error: unknown): Answer => ({ yes: false, reason: firstLine(error) })
const firstLine = (error: unknown): string => (error instanceof Error ? error.message : String(error)).split('\n')[0]

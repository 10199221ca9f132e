import type { InputDescription, ModelDescription } from './api.ts'
import {
  type Asker,
  emptyField,
  exampleIds,
  type InputForm,
  openDimName,
  openDims,
  otherInputs,
  readForm,
} from './form.ts'

/** Inputs on which the model runs, for a page that opens without any. Undefined if none of the tried ones fit. */
export async function exampleForm(model: ModelDescription, client: Asker): Promise<InputForm | undefined> {
  const isOpen = (model.inputs.find(({ name }) => name === model.ids)?.dims ?? []).every(dim => typeof dim !== 'number')
  const forms = candidates(model)
  // A text fits if the number of tokens is open.
  if (model.example !== undefined && isOpen && otherInputs(model).length === 0) return forms[0]
  for (const form of forms) {
    try {
      await client.ask('check', (await readForm(model, client, form)).request)
      return form
    } catch {
      // The model refuses these inputs. The next ones may fit.
    }
  }
  return undefined
}

function candidates(model: ModelDescription): InputForm[] {
  const others = otherInputs(model)
  const fields = Object.fromEntries(others.map(input => [input.name, emptyField(model, input)]))
  const sizes = openDims(others)
  const dimsOf = (scale: (size: number) => number): InputForm['dims'] =>
    Object.fromEntries(sizes.map(({ name, size }) => [name, size === 1 ? 1 : scale(size)]))
  const larger = sizes.length > 0 ? [224, 576, 16_000].map(size => dimsOf(() => size)) : []
  const dims = [
    dimsOf(size => size),
    ...larger.filter(tried => others.every(input => elements(input, tried) <= MAX_TRIED)),
  ]
  const forms = textsOf(model).flatMap(text => dims.map(one => ({ ...text, fields, dims: one })))
  return [...forms, ...rareTexts(model).map(text => ({ ...text, fields, dims: dims[0] }))]
}

/** The most elements of an input that is only tried: a minute of sound or a batch of pictures, but no picture of 16,000 × 16,000 pixels. */
const MAX_TRIED = 2 ** 22

function elements({ name, dims = [] }: InputDescription, sizes: InputForm['dims']): number {
  return dims.reduce<number>(
    (all, dim, axis) => all * (typeof dim === 'number' ? dim : (sizes[openDimName(name, dim, axis)] ?? 1)),
    1,
  )
}

type Typed = Pick<InputForm, 'kind' | 'text'>

function textsOf(model: ModelDescription): Typed[] {
  const { example } = model
  const input = idsInput(model)
  if (!input) return [{ kind: 'text', text: '' }]
  const rows = [8, 1].map(tokens => idsOf(model, input, tokens))
  return [...(example === undefined ? [] : [{ kind: 'text' as const, text: example }]), ...rows]
}

/** Lengths with which models are exported that then take that one alone, although their files do not say so. */
const RARE = [2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16, 32, 64, 77, 128, 256, 512]

function rareTexts(model: ModelDescription): Typed[] {
  const input = idsInput(model)
  return !input || typeof input.dims?.[1] === 'number' ? [] : RARE.map(tokens => idsOf(model, input, tokens))
}

const idsInput = ({ inputs, ids }: ModelDescription): InputDescription | undefined =>
  inputs.find(({ name }) => name === ids)

function idsOf(model: ModelDescription, input: InputDescription, tokens: number): Typed {
  const all = exampleIds(model, input, tokens)
  return { kind: 'ids', text: all.length > 1 ? JSON.stringify(all) : all[0].join(', ') }
}

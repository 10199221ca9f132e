import type { ModelDescription } from './api.ts'
import { type Asker, emptyField, exampleIds, type InputForm, openDims, otherInputs, readForm } from './form.ts'

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
  const dims = [dimsOf(size => size), ...(sizes.length > 0 ? [224, 576, 16_000].map(size => dimsOf(() => size)) : [])]
  const texts = textsOf(model)
  return texts.flatMap(text => dims.map(one => ({ ...text, fields, dims: one })))
}

function textsOf(model: ModelDescription): Pick<InputForm, 'kind' | 'text'>[] {
  const { inputs, ids, example } = model
  const input = inputs.find(({ name }) => name === ids)
  if (!input) return [{ kind: 'text', text: '' }]
  const rows = [8, 1].map(tokens => {
    const all = exampleIds(model, input, tokens)
    return { kind: 'ids' as const, text: all.length > 1 ? JSON.stringify(all) : all[0].join(', ') }
  })
  return [...(example === undefined ? [] : [{ kind: 'text' as const, text: example }]), ...rows]
}

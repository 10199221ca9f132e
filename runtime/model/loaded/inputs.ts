import { refuseForeign } from '../../errors/copies.ts'
import { OnnsightError } from '../../errors/error.ts'
import { type DeclaredInput, InputError } from '../../errors/input.ts'
import { nearestNames } from '../../errors/nearest-names.ts'
import { showDims } from '../../errors/tensor.ts'
import type { Prompt } from '../../language-inputs/prompt.ts'
import type { TensorData } from '../../tensor/dtypes/data.ts'
import { isHeld } from '../../tensor/dtypes/dtype.ts'
import { stateOf, Tensor } from '../../tensor/tensor.ts'
import { type TensorLike, toTensor } from '../../tensor/values/convert.ts'
import { isForeign } from '../../tensor/values/foreign.ts'

/**
 * A model's inputs: a tensor, nested array or typed array for each name, or the value itself if the model has one input. A language model
 * that was loaded with its tokenizer takes a text, a chat, or a list of these where it takes token ids.
 */
export type Inputs = Readonly<Record<string, TensorLike | Prompt>> | TensorLike | Prompt

/**
 * Checks inputs against what the model declares, and converts them. Numbers take the declared dtype; a tensor must have it.
 * @throws InputError for a missing, unknown, wrongly typed or wrongly shaped input
 */
export function prepareInputs(declared: readonly DeclaredInput[], inputs: unknown): Map<string, TensorData> {
  const named = byName(declared, inputs)
  for (const name of Object.keys(named)) {
    if (!declared.some(input => input.name === name)) throw new InputError(unknownInput(name, declared), declared)
  }
  const prepared = new Map<string, TensorData>()
  for (const input of declared) {
    if (named[input.name] === undefined) {
      throw new InputError(`The input ${input.name} is missing.`, declared, `pass { ${input.name}: … }`)
    }
    const data = convert(input, named[input.name], declared)
    checkDims(input, data, declared)
    prepared.set(input.name, data)
  }
  return prepared
}

function byName(declared: readonly DeclaredInput[], inputs: unknown): Record<string, unknown> {
  refuseForeign(inputs)
  const isArray =
    Array.isArray(inputs) ||
    ArrayBuffer.isView(inputs) ||
    inputs instanceof Tensor ||
    typeof inputs === 'number' ||
    isForeign(inputs)
  if (isArray) {
    if (declared.length === 1) return { [declared[0].name]: inputs }
    throw new InputError(
      `Only one value was passed, but the model takes ${declared.length} inputs.`,
      declared,
      'pass an object, with a value for each name',
    )
  }
  if (inputs === undefined || inputs === null) {
    if (declared.length === 0) return {}
    throw new InputError(
      'No inputs were given.',
      declared,
      `pass { ${declared.map(input => `${input.name}: …`).join(', ')} }`,
    )
  }
  if (typeof inputs !== 'object')
    throw new InputError(`Inputs can't be a ${typeof inputs}.`, declared, 'pass an object, with a value for each name')
  return inputs as Record<string, unknown>
}

function unknownInput(name: string, declared: readonly DeclaredInput[]): string {
  const names = declared.map(input => input.name)
  const [nearest] = nearestNames(name, names, 1)
  return `The model has no input ${name}.${nearest === undefined ? '' : ` Did you mean ${nearest}?`}`
}

function convert(input: DeclaredInput, value: unknown, declared: readonly DeclaredInput[]): TensorData {
  const type = input.type as TensorData['type']
  if (!isHeld(type))
    throw new InputError(`The input ${input.name} is of type ${input.type}, which JavaScript can't hold.`, declared)
  let data: TensorData
  try {
    const isTyped = value instanceof Tensor || ArrayBuffer.isView(value) || isForeign(value)
    data = stateOf(isTyped ? toTensor(value as TensorLike) : toTensor(value as TensorLike, { type })).data()
  } catch (error) {
    if (!(error instanceof OnnsightError)) throw error
    if (firstOf(value) !== undefined && TOKEN_INPUT.test(input.name))
      throw new InputError(
        `The input ${input.name} got the text ${JSON.stringify(firstOf(value))}, but takes token ids.`,
        declared,
        'load the model with its tokenizer, await LanguageModel.load(folder), or give token ids: [[464, 3290]]',
        error,
      )
    throw new InputError(`The input ${input.name}: ${error.message.split('\n')[0]}`, declared, error.fix, error)
  }
  if (data.type === type) return data
  const fix = `convert it first: await tensor(…).to('${type}').value()`
  throw new InputError(`The input ${input.name} is ${data.type}, and must be ${type}.`, declared, fix)
}

/** Matches names of inputs that take token ids. */
const TOKEN_INPUT = /(^|_)(ids|tokens?)$/

/** The text, or the first text in nested arrays; undefined if there is none. */
function firstOf(value: unknown): string | undefined {
  if (Array.isArray(value)) return firstOf(value[0])
  return typeof value === 'string' ? value : undefined
}

/** Checks rank and fixed dims. Named dims are not checked here, because exporters use one name for dims that may differ. @throws InputError */
function checkDims(input: DeclaredInput, { dims }: TensorData, declared: readonly DeclaredInput[]): void {
  if (!input.dims) return
  if (dims.length !== input.dims.length) {
    throw new InputError(
      `The input ${input.name} has ${dims.length} dims, ${showDims(dims)}, but must have ${input.dims.length}.`,
      declared,
    )
  }
  input.dims.forEach((dim, axis) => {
    if (typeof dim === 'number' && dim !== dims[axis]) {
      throw new InputError(`The input ${input.name} has dims ${showDims(dims)}: dim ${axis} must be ${dim}.`, declared)
    }
  })
}

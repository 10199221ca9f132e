import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import { tensorFromJson } from '../../cli/inputs/from-json.ts'
import { completeInputs, defaultFilling } from '../../cli/inputs/generate.ts'
import { readInputs } from '../../cli/inputs/read.ts'
import { inputSources } from '../../cli/inputs/sources.ts'
import type { Declared, Inputs, Model, Tensor } from '../../runtime/index.ts'
import { fillInputs } from '../../runtime/language-inputs/fill.ts'
import { type DataType, isFloat, isHeld } from '../../runtime/tensor/dtypes/dtype.ts'
import { toTensor } from '../../runtime/tensor/values/convert.ts'
import type { Filling, GivenValue, RunRequest } from '../protocol/api.ts'
import { unreadable } from '../server/refusal.ts'
import type { Vocabulary } from './vocabulary.ts'

/** The values with which an input can be generated, the default first. */
export function fillingsOf(input: Declared): Filling[] {
  if (!isHeld(input.type as DataType) || input.type === 'string') return []
  const usual = defaultFilling(input)
  const all: Filling[] = isFloat(input.type as DataType) ? ['random', 'zeros', 'ones'] : ['zeros', 'ones', 'positions']
  return [usual, ...all.filter(filling => filling !== usual && !(filling === 'positions' && input.type === 'bool'))]
}

/** Makes the inputs of a run from a request. @throws Refusal, CommandError, and the errors of tensors */
export async function inputsOf(
  { signature }: Model,
  { inputs, dims = {} }: RunRequest,
  ids: string | undefined,
  vocabulary: Vocabulary | undefined,
): Promise<Inputs> {
  const tensors: Record<string, Tensor> = {}
  const fillings = new Map<string, Filling>()
  for (const [name, value] of Object.entries(inputs)) {
    const declared = signature.inputs.find(input => input.name === name)
    if (!declared)
      throw unreadable(
        `The model has no input ${name}.`,
        `give ${signature.inputs.map(input => input.name).join(', ')}`,
      )
    if ('made' in value) {
      const possible = fillingsOf(declared)
      if (!possible.includes(value.made))
        throw unreadable(
          `${name} is ${declared.type}, and can't be filled with ${value.made}.`,
          `choose ${possible.join(', ') || 'a file'}`,
        )
      fillings.set(name, value.made)
    } else tensors[name] = await tensorOf(declared, value, vocabulary)
  }
  const filledIn = ids !== undefined && tensors[ids] ? fromIds(signature.inputs, tensors, fillings) : tensors
  const wanted = signature.inputs.filter(({ name }) => filledIn[name] || fillings.has(name))
  return completeInputs(wanted, filledIn, new Map(Object.entries(dims)), fillings).inputs
}

async function tensorOf(
  declared: Declared,
  value: Exclude<GivenValue, { made: Filling }>,
  vocabulary: Vocabulary | undefined,
): Promise<Tensor> {
  if ('json' in value) return tensorFromJson(value.json, declared.type)
  if ('file' in value) return fromFile(declared, value.file)
  if (!vocabulary)
    throw unreadable(
      'A text was given, and there is no vocabulary.',
      'give token ids, or start the command with --vocab',
    )
  const ids = vocabulary.encode(value.text)
  if (ids.length === 0) throw unreadable(`The text for ${declared.name} is empty.`, 'type something')
  return toTensor([ids], { type: declared.type as 'int64' })
}

/** Writes the bytes to a temporary file for readers that need a path, and removes the file after the reading. */
async function fromFile(
  declared: Declared,
  { name, base64 }: { readonly name: string; readonly base64: string },
): Promise<Tensor> {
  const ending = extname(name).toLowerCase()
  if (!['.npy', '.json', '.safetensors'].includes(ending))
    throw unreadable(`${name} is of no known kind.`, 'give a .npy, .json or .safetensors file')
  const folder = await mkdtemp(join(tmpdir(), 'onnsight-view-'))
  try {
    const path = join(folder, `given${ending}`)
    await writeFile(path, Buffer.from(base64, 'base64'))
    return (await readInputs([declared], inputSources({ input: [`${declared.name}=${path}`] })))[declared.name]
  } catch (error) {
    // The user chose a file by its name and does not know the temporary path.
    if (error instanceof Error) error.message = error.message.replaceAll(join(folder, `given${ending}`), name)
    throw error
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Adds what follows from the ids: mask, positions, an empty past. */
function fromIds(
  declared: readonly Declared[],
  given: Readonly<Record<string, Tensor>>,
  made: ReadonlyMap<string, Filling>,
): Record<string, Tensor> {
  const open = declared.filter(({ name }) => !made.has(name))
  const filled = fillInputs(open, given, 'right') as Record<string, unknown>
  return Object.fromEntries(
    Object.entries(filled).map(([name, value]) => {
      const type = declared.find(input => input.name === name)!.type as 'int64'
      return [name, toTensor(value as Tensor, { type })]
    }),
  )
}

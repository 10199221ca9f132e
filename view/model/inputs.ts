import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import { tensorFromJson } from '../../cli/inputs/from-json.ts'
import { completeInputs, defaultFilling } from '../../cli/inputs/generate.ts'
import { readInputs } from '../../cli/inputs/read.ts'
import { inputSources } from '../../cli/inputs/sources.ts'
import type { Declared, Inputs, Model, Tensor } from '../../runtime/index.ts'
import { fillInputs } from '../../runtime/language-inputs/fill.ts'
import type { Language } from '../../runtime/language-inputs/language.ts'
import { type DataType, isFloat, isHeld } from '../../runtime/tensor/dtypes/dtype.ts'
import { toTensor } from '../../runtime/tensor/values/convert.ts'
import type { Filling, InputValue, RunRequest } from '../protocol/api.ts'
import { unreadable } from '../server/refusal.ts'

/** The values with which an input can be generated, the default first. */
export function fillingsOf(input: Declared): Filling[] {
  if (!isHeld(input.type as DataType) || input.type === 'string') return []
  const first = defaultFilling(input)
  const all: Filling[] = isFloat(input.type as DataType) ? ['random', 'zeros', 'ones'] : ['zeros', 'ones', 'positions']
  return [first, ...all.filter(filling => filling !== first && !(filling === 'positions' && input.type === 'bool'))]
}

/** Makes the inputs of a run from a request. @throws Refusal, CommandError, and the errors of tensors */
export async function inputsOf(
  { signature }: Model,
  { inputs, dims = {} }: RunRequest,
  ids: string | undefined,
  language: Language | undefined,
): Promise<Inputs> {
  const tensors: Record<string, Tensor> = {}
  const fillings = new Map<string, Filling>()
  for (const [name, value] of Object.entries(inputs)) {
    const declared = signature.inputs.find(input => input.name === name)
    if (!declared)
      throw unreadable(
        `The model has no input ${name}.`,
        `pass ${signature.inputs.map(input => input.name).join(', ')}`,
      )
    if ('generated' in value) {
      const possible = fillingsOf(declared)
      if (!possible.includes(value.generated))
        throw unreadable(
          `${name} is ${declared.type}, which can't be filled with ${value.generated}.`,
          `choose ${possible.join(', ') || 'a file'}`,
        )
      fillings.set(name, value.generated)
    } else tensors[name] = await tensorOf(declared, value, language)
  }
  const passed = ids !== undefined && tensors[ids] ? addDerivedInputs(signature.inputs, tensors, fillings) : tensors
  const requested = signature.inputs.filter(({ name }) => passed[name] || fillings.has(name))
  // An empty cache has a length of 0 where other inputs have the length of what is cached.
  const full = Object.fromEntries(Object.entries(passed).filter(([name, { size }]) => tensors[name] || size > 0))
  const completed = completeInputs(
    requested.filter(({ name }) => full[name] || !passed[name]),
    full,
    new Map(Object.entries(dims)),
    fillings,
  )
  return { ...passed, ...completed.inputs }
}

async function tensorOf(
  declared: Declared,
  value: Exclude<InputValue, { generated: Filling }>,
  language: Language | undefined,
): Promise<Tensor> {
  if ('json' in value) return tensorFromJson(value.json, declared.type)
  if ('file' in value) return fromFile(declared, value.file)
  if (!language)
    throw unreadable(
      'A text was passed, but there is no vocabulary.',
      'pass token ids, or start the command with --vocab',
    )
  return toTensor([language.encodeRow(value.text)], { type: declared.type as 'int64' })
}

/** Writes the bytes to a temporary file, because the readers need a path, and removes the file when it has been read. */
async function fromFile(
  declared: Declared,
  { name, base64 }: { readonly name: string; readonly base64: string },
): Promise<Tensor> {
  const ending = extname(name).toLowerCase()
  if (!['.npy', '.json', '.safetensors'].includes(ending))
    throw unreadable(`${name} is not a known kind of file.`, 'pass a .npy, .json or .safetensors file')
  const folder = await mkdtemp(join(tmpdir(), 'onnsight-view-'))
  try {
    const path = join(folder, `input${ending}`)
    await writeFile(path, Buffer.from(base64, 'base64'))
    return (await readInputs([declared], inputSources({ input: [`${declared.name}=${path}`] })))[declared.name]
  } catch (error) {
    // The user chose a file by its name and does not know the temporary path.
    if (error instanceof Error) error.message = error.message.replaceAll(join(folder, `input${ending}`), name)
    throw error
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Adds the inputs that follow from the ids: the mask, the positions and an empty cache. */
function addDerivedInputs(
  declared: readonly Declared[],
  passed: Readonly<Record<string, Tensor>>,
  fillings: ReadonlyMap<string, Filling>,
): Record<string, Tensor> {
  const missing = declared.filter(({ name }) => !fillings.has(name))
  const filled = fillInputs(missing, passed, 'right') as Record<string, unknown>
  return Object.fromEntries(
    Object.entries(filled).map(([name, value]) => {
      const type = declared.find(input => input.name === name)!.type as 'int64'
      return [name, toTensor(value as Tensor, { type })]
    }),
  )
}

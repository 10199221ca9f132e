import type { Inputs, Model, Tensor } from '../../runtime/index.ts'
import { toTensor } from '../../runtime/tensor/values/convert.ts'
import type { InputValue, RunRequest } from '../protocol/api.ts'
import { Refusal } from '../server/refusal.ts'
import { literalOf } from './literals.ts'

/** Inputs with more elements than this are not written out, if there is a shorter way. */
const MAX_WRITTEN = 2048

/** The inputs as TypeScript code. */
export interface WrittenInputs {
  readonly text: string
  /** The functions of onnsight that the code calls. */
  readonly functions: readonly string[]
  /** Comment lines that come before the inputs in the program. */
  readonly notes: readonly string[]
}

/** Writes the inputs of a run as code, in the order of the model. @throws Refusal for a file that a program can't read in this way */
export function writeInputs(
  { signature }: Model,
  { inputs: requested }: RunRequest,
  inputs: Inputs,
  ids?: string,
): WrittenInputs {
  const [only, ...others] = Object.entries(requested)
  // Inputs that follow from a text are filled in by onnsight.
  if (only && others.length === 0 && only[0] === ids && 'text' in only[1])
    return { text: JSON.stringify(only[1].text), functions: [], notes: [] }
  const functions = new Set<string>()
  const notes: string[] = []
  const lines = signature.inputs.flatMap(({ name, type }) => {
    const value = (inputs as Readonly<Record<string, unknown>>)[name]
    if (value === undefined) return []
    const tensor = toTensor(value as Tensor, { type: type as 'float32' }) as unknown as Tensor
    const written = writeInput(name, tensor, requested[name])
    if (written.uses) functions.add(written.uses)
    if (written.note) notes.push(written.note)
    return [`  ${/^[\p{L}_$][\p{L}\p{N}_$]*$/u.test(name) ? name : JSON.stringify(name)}: ${written.text},`]
  })
  return { text: lines.length > 0 ? `{\n${lines.join('\n')}\n}` : '{}', functions: [...functions], notes }
}

/** The code of one input. */
interface Written {
  readonly text: string
  /** The function of onnsight that the code calls. */
  readonly uses?: string
  readonly note?: string
}

function writeInput(name: string, tensor: Tensor, requested: InputValue | undefined): Written {
  const dims = JSON.stringify(tensor.dims)
  const filling = requested && 'generated' in requested ? requested.generated : undefined
  const call = (uses: string): Written => ({ text: `${uses}(${dims}, { type: '${tensor.type}' })`, uses })
  if (tensor.size === 0) return call('zeros')
  if (filling === 'zeros' || filling === 'ones') return call(filling)
  if (tensor.size > MAX_WRITTEN && filling === 'random')
    return { ...call('rand'), note: `// ${name}: these random numbers are not those of the page.` }
  if (tensor.size > MAX_WRITTEN && requested && 'file' in requested) return fromFile(name, requested.file.name)
  return { text: literalOf(tensor) }
}

function fromFile(name: string, file: string): Written {
  const path = JSON.stringify(file)
  if (/\.safetensors$/i.test(file))
    return { text: `(await readSafetensors(${path}))[${JSON.stringify(name)}]`, uses: 'readSafetensors' }
  if (/\.json$/i.test(file)) return { text: `JSON.parse(await readFile(${path}, 'utf8'))`, uses: 'readFile' }
  throw new Refusal(
    422,
    'view-code',
    `${file} is too large to be written into the program, and onnsight exports no function that reads such a file.`,
    `pass ${name} as a .safetensors or .json file, and copy again`,
  )
}

import { StudyError } from '../../runtime/errors/study.ts'
import { tensor } from '../../runtime/tensor/functions.ts'
import type { Tensor } from '../../runtime/tensor/tensor.ts'
import type { Optimizer, Slots } from './optimizers.ts'

type Named = Readonly<Record<string, Tensor>>

/** All that the next step depends on. */
export interface State {
  readonly parameters: Named
  readonly slots: Readonly<Record<string, Slots>>
  readonly losses: readonly number[]
}

const PARAMETER = 'parameter.'

/** Writes a state to a safetensors file. The old file is there until the new one is complete. */
export async function writeCheckpoint(path: string, { parameters, slots, losses }: State): Promise<void> {
  const tensors: Record<string, Tensor> = { losses: tensor([...losses], [losses.length]) }
  for (const [name, value] of Object.entries(parameters)) tensors[PARAMETER + name] = value
  for (const [name, own] of Object.entries(slots))
    for (const [slot, value] of Object.entries(own)) tensors[`${slot}.${name}`] = value
  const [{ rename }, { writeSafetensors }] = await Promise.all([
    import('node:fs/promises'),
    import('../../runtime/tensor-files/safetensors.ts'),
  ])
  await writeSafetensors(`${path}.part`, tensors)
  await rename(`${path}.part`, path)
}

/** The state that a file has; undefined if there is no file yet. @throws StudyError for parameters or an optimiser of another kind */
export async function readCheckpoint(path: string, begin: State, optimizer: Optimizer): Promise<State | undefined> {
  const { access } = await import('node:fs/promises')
  const isThere = await access(path).then(
    () => true,
    () => false,
  )
  if (!isThere) return undefined
  const { readSafetensors } = await import('../../runtime/tensor-files/safetensors.ts')
  const found = await readSafetensors(path)
  const of = (name: string, like: Tensor): Tensor => {
    const one = found[name]
    if (one && String(one.dims) === String(like.dims)) return one
    throw new StudyError(
      'optimize',
      `${path} has ${one ? `${name} of dims [${one.dims.join(', ')}]` : `no ${name}`}, and [${like.dims.join(', ')}] is needed.`,
      `name another file to resume, or delete this one to begin anew with ${optimizer.name}`,
    )
  }
  const names = Object.keys(begin.parameters)
  const surplus = Object.keys(found).find(name => {
    const [kind, ...rest] = name.split('.')
    return name !== 'losses' && !(names.includes(rest.join('.')) && ['parameter', ...optimizer.slots].includes(kind))
  })
  if (surplus !== undefined)
    throw new StudyError(
      'optimize',
      `${path} has ${surplus}, which belongs to no parameter here.`,
      `name another file to resume, or delete this one to begin anew with ${optimizer.name}`,
    )
  return {
    parameters: Object.fromEntries(names.map(name => [name, of(PARAMETER + name, begin.parameters[name])])),
    slots: Object.fromEntries(
      names.map(name => [
        name,
        Object.fromEntries(optimizer.slots.map(slot => [slot, of(`${slot}.${name}`, begin.parameters[name])])),
      ]),
    ),
    losses: (found.losses?.tolist() ?? []) as number[],
  }
}

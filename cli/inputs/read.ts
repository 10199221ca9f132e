import { readFile } from 'node:fs/promises'
import { OnnsightError } from '../../runtime/errors/error.ts'
import type { Declared, Tensor } from '../../runtime/index.ts'
import { toTensor } from '../../runtime/tensor/values/convert.ts'
import { readNpy } from '../../runtime/tensor-files/npy.ts'
import { readSafetensors } from '../../runtime/tensor-files/safetensors.ts'
import { CommandError } from '../shared/errors.ts'
import { tensorFromJson } from './from-json.ts'
import type { InputSources, Source } from './sources.ts'

/**
 * Reads the inputs that a command line names, as tensors of the model's dtypes. Model.run then checks that none is missing and that all have
 * the right dims.
 * @throws CommandError for a file that is missing, unreadable or of another dtype
 */
export async function readInputs(
  declared: readonly Declared[],
  { all, named }: InputSources,
): Promise<Record<string, Tensor>> {
  const tensors = all ? await readAll(all, declared) : {}
  for (const [passedName, source] of named) {
    const name = passedName || onlyName(declared)
    tensors[name] = await readOne(source, name, declared)
  }
  for (const [name, tensor] of Object.entries(tensors)) checkDtype(name, tensor, declared)
  return tensors
}

async function readAll(source: Source, declared: readonly Declared[]): Promise<Record<string, Tensor>> {
  if (source.kind === 'safetensors') return { ...(await openFile(source.path, readSafetensors)) }
  const json = source.kind === 'value' ? source.value : await openFile(source.path as string, readJson)
  const where = source.kind === 'value' ? '--inputs' : source.path
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    const name = onlyName(declared)
    return { [name]: fromJson(json, name, where, declared) }
  }
  return Object.fromEntries(Object.entries(json).map(([name, value]) => [name, fromJson(value, name, where, declared)]))
}

async function readOne(source: Source, name: string, declared: readonly Declared[]): Promise<Tensor> {
  switch (source.kind) {
    case 'value':
      return fromJson(source.value, name, '--input', declared)
    case 'json':
      return fromJson(await openFile(source.path, readJson), name, source.path, declared)
    case 'npy':
      return openFile(source.path, readNpy)
    case 'safetensors': {
      const tensors = await openFile(source.path, readSafetensors)
      const names = Object.keys(tensors)
      const found = tensors[name] ?? (names.length === 1 ? tensors[names[0]] : undefined)
      if (found) return found
      throw new CommandError(
        `${source.path} has no tensor ${name}; it has ${names.join(', ') || 'none'}.`,
        `pass all its tensors with --inputs ${source.path}, or a file with one tensor`,
      )
    }
  }
}

function fromJson(json: unknown, name: string, where: string, declared: readonly Declared[]): Tensor {
  const input = declared.find(other => other.name === name)
  try {
    // If the model has no input of this name, the run throws an error that lists its inputs.
    return input ? tensorFromJson(json, input.type) : toTensor(0)
  } catch (error) {
    if (!(error instanceof OnnsightError)) throw error
    const [message] = error.message.split('\n')
    throw new CommandError(`The input ${name} of ${where}: ${message}`, error.fix ?? 'correct the value', error)
  }
}

function checkDtype(name: string, tensor: Tensor, declared: readonly Declared[]): void {
  const input = declared.find(other => other.name === name)
  if (!input || input.type === tensor.type) return
  throw new CommandError(
    `The input ${name} is ${tensor.type}, but the model takes ${input.type}.`,
    `pass it as ${input.type}; in Python: numpy.save(file, array.astype('${input.type}'))`,
  )
}

function onlyName(declared: readonly Declared[]): string {
  if (declared.length === 1) return declared[0].name
  throw new CommandError(
    `A value without a name was passed, but the inputs of the model are ${declared.map(({ name }) => name).join(', ') || 'nothing'}.`,
    'name it: --input name=…',
  )
}

async function readJson(path: string): Promise<unknown> {
  const text = await readFile(path, 'utf8')
  try {
    return JSON.parse(text) as unknown
  } catch (error) {
    throw new CommandError(`${path} is not valid JSON: ${(error as Error).message}.`, 'correct the file', error)
  }
}

async function openFile<R>(path: string, read: (path: string) => Promise<R>): Promise<R> {
  try {
    return await read(path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') throw new CommandError(`There is no file ${path}.`, 'check the path', error)
    if (error instanceof OnnsightError || error instanceof CommandError) throw error
    const reason = code === 'EISDIR' ? 'it is a folder' : (error as Error).message
    throw new CommandError(
      `${path} can't be read: ${reason}.`,
      'check that it is a file and that you have permission to read it',
      error,
    )
  }
}

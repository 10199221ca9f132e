import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, extname, join } from 'node:path'
import type { Inputs, Model } from '../../runtime/index.ts'
import { readInputs } from '../inputs/read.ts'
import { hasSources, inputSources } from '../inputs/sources.ts'
import { CommandError, UsageError } from '../shared/errors.ts'

export interface InputsFlags {
  readonly input?: readonly string[]
  readonly inputs?: string
  readonly texts?: string
}

/** The inputs of one run, and their name in the results. */
interface Run {
  readonly label: string
  readonly inputs: Inputs
}

/** Reads the inputs that the command line names; undefined if it names none. @throws CommandError, UsageError */
export async function readRuns(
  model: Model,
  { input, inputs, texts }: InputsFlags,
): Promise<readonly Run[] | undefined> {
  if (texts !== undefined) {
    if (input || inputs !== undefined)
      throw new UsageError('--texts and --input can’t be passed together.', 'pass one of them')
    return readTexts(texts)
  }
  const declared = model.signature.inputs
  if (inputs !== undefined && (await stat(inputs).catch(() => undefined))?.isDirectory()) {
    const named = (await readdir(inputs)).filter(name => /\.(json|safetensors)$/.test(name)).sort()
    if (named.length === 0)
      throw new CommandError(
        `The folder ${inputs} has no .json and no .safetensors files.`,
        'put one file for each run there',
      )
    return Promise.all(
      named.map(async name => ({
        label: basename(name, extname(name)),
        inputs: await readInputs(declared, inputSources({ input: input ?? [], inputs: join(inputs, name) })),
      })),
    )
  }
  const sources = inputSources({ ...(input ? { input } : {}), ...(inputs === undefined ? {} : { inputs }) })
  if (!hasSources(sources)) return undefined
  return [{ label: inputs === undefined ? 'input' : basename(inputs), inputs: await readInputs(declared, sources) }]
}

async function readTexts(path: string): Promise<readonly Run[]> {
  const text = await readFile(path, 'utf8').catch(error => {
    throw new CommandError(`${path} can't be read: ${(error as Error).message}.`, 'check the path', error)
  })
  const lines = text.split(/\r?\n/).filter(line => line.trim() !== '')
  if (lines.length === 0) throw new CommandError(`${path} has no text.`, 'write one text in each line')
  return lines.map(line => ({ label: line, inputs: line }))
}

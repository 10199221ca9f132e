import type { Tensor } from '../../runtime/index.ts'
import { npyParts } from '../../runtime/tensor-files/npy.ts'
import { safetensorsParts } from '../../runtime/tensor-files/safetensors.ts'
import { CommandError } from '../shared/errors.ts'
import { arrowPackage, arrowParts } from './arrow.ts'
import type { OutputFormat } from './format.ts'
import { jsonOf } from './to-json.ts'

/** Checks before a run whether its results can be written in a format. @throws CommandError */
export async function checkFormat(format: OutputFormat): Promise<void> {
  if (format === 'arrow') await arrowPackage()
}

/** The bytes of a file that holds the results. @throws CommandError if the format can't hold them, and the errors of the formats */
export async function encode(
  path: string,
  format: OutputFormat,
  tensors: Readonly<Record<string, Tensor>>,
): Promise<Uint8Array[]> {
  switch (format) {
    case 'json':
      return [Buffer.from(`${JSON.stringify(jsonOf(tensors))}\n`)]
    case 'npy':
      return npyParts(path, onlyOf(path, tensors))
    case 'safetensors':
      return safetensorsParts(path, tensors)
    case 'arrow':
      return arrowParts(tensors)
  }
}

function onlyOf(path: string, tensors: Readonly<Record<string, Tensor>>): Tensor {
  const names = Object.keys(tensors)
  checkOnlyOne(path, names)
  return tensors[names[0]]
}

/** @throws CommandError: a .npy file holds one array */
export function checkOnlyOne(path: string, names: readonly string[]): void {
  if (names.length === 1) return
  throw new CommandError(
    `${path}: a .npy file holds one array, but there are ${names.length} results: ${names.join(', ')}.`,
    'choose one with a template, save x = …, or write a .safetensors file',
  )
}

import type { Tensor } from '../../runtime/index.ts'
import { npyParts } from '../../runtime/tensor-files/npy.ts'
import { safetensorsParts } from '../../runtime/tensor-files/safetensors.ts'
import { CommandError } from '../shared/errors.ts'
import { arrowPackage, arrowParts } from './arrow.ts'
import type { OutputFormat } from './format.ts'
import { jsonOf } from './to-json.ts'

/** Checks before a run that its results can be written in a format. @throws CommandError if a package is missing for it */
export async function checkFormat(format: OutputFormat): Promise<void> {
  if (format === 'arrow') await arrowPackage()
}

/** Encodes the results as the bytes of a file. @throws CommandError if the format can't hold them, and the errors of npyParts and safetensorsParts */
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

/** Checks that there is one result, because a .npy file holds one array. @throws CommandError */
export function checkOnlyOne(path: string, names: readonly string[]): void {
  if (names.length === 1) return
  throw new CommandError(
    `${path}: a .npy file holds one array, but there are ${names.length} results: ${names.join(', ')}.`,
    'choose one with a template, save x = …, or write a .safetensors file',
  )
}

import { extname } from 'node:path'
import { UsageError } from '../shared/errors.ts'

export type OutputFormat = 'json' | 'npy' | 'safetensors' | 'arrow'

const formats: Readonly<Record<string, OutputFormat>> = {
  '.json': 'json',
  '.npy': 'npy',
  '.safetensors': 'safetensors',
  '.arrow': 'arrow',
}

/** The format of an output file, by its ending. @throws UsageError for an unknown ending */
export function outputFormat(path: string): OutputFormat {
  const format = formats[extname(path).toLowerCase()]
  if (format) return format
  throw new UsageError(
    `--output ${path}: the file's ending decides the format, but this ending is not known.`,
    `use one of ${Object.keys(formats).join(', ')}`,
  )
}

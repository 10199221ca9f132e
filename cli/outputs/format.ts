import { extname } from 'node:path'
import { UsageError } from '../shared/errors.ts'

export type OutputFormat = 'json' | 'npy' | 'safetensors' | 'arrow'

const formats: Readonly<Record<string, OutputFormat>> = {
  '.json': 'json',
  '.npy': 'npy',
  '.safetensors': 'safetensors',
  '.arrow': 'arrow',
}

/** A file's ending tells what is written into it. @throws UsageError */
export function outputFormat(path: string): OutputFormat {
  const format = formats[extname(path).toLowerCase()]
  if (format) return format
  throw new UsageError(
    `--output ${path}: the ending tells the format, and this one is not known.`,
    `end it with ${Object.keys(formats).join(', ')}`,
  )
}

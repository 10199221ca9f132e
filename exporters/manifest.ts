import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseSafetensors } from '../test/cases/safetensors.ts'
import type { Precision, Reference } from './check.ts'

/** The entry of one family that make.py writes. */
export interface Family {
  /** PyTorch's path of each place whose values are compared, such as `layer.1`. */
  readonly places: Record<string, string>
  /** The files, by the exporter and what was done to its file afterwards: `optimum+int8`. */
  readonly files: Record<string, { file?: string; reason?: string }>
}

export function readManifest(folder: string): Record<string, Family> {
  return JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8'))
}

export function precisionOf(exporter: string): Precision {
  if (/int4|int8|q4|qdq|qoperator/.test(exporter)) return 'quantised'
  return /fp16/.test(exporter) ? 'float16' : 'float32'
}

export function readReference(folder: string, family: string, places: Family['places']): Reference {
  const tensors = parseSafetensors(readFileSync(join(folder, family, 'reference.safetensors')))
  const under = (prefix: string) =>
    [...tensors]
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, value]) => [name.slice(prefix.length), value] as const)
  return {
    places,
    inputs: Object.fromEntries(under('input:')),
    reads: new Map(under('read:')),
    out: tensors.get('out')!,
    vector: tensors.get('vector')!,
    written: tensors.get('written')!,
    generated: tensors.get('generated'),
  }
}

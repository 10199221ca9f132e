import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** A JSON file in the folder of a model's file, or in the folder above; undefined if there is none, or if it can't be read. */
export function jsonBeside(path: string, name: string): Readonly<Record<string, unknown>> | undefined {
  for (const folder of [dirname(path), join(dirname(path), '..')]) {
    try {
      const value: unknown = JSON.parse(readFileSync(join(folder, name), 'utf8'))
      if (typeof value === 'object' && value !== null) return value as Record<string, unknown>
    } catch {
      // Nothing of it is needed: the page then says less about the model.
    }
  }
  return undefined
}

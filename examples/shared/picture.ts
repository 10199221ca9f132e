import { mkdirSync } from 'node:fs'
import type { StudyResult } from 'onnsight/study'

/** Draws a result into examples/pictures, and says where. */
export async function picture(name: string, result: StudyResult): Promise<void> {
  mkdirSync('examples/pictures', { recursive: true })
  const path = `examples/pictures/${name}.html`
  await (await result.plot()).save(path)
  console.log(`The picture is in ${path}.`)
}

import { decoder } from '../decoder.ts'
import { ensureExportedDecoder } from '../models/exported.ts'
import { fixed, type Part } from './report.ts'

/** Measures generate(), compared with a loop by hand. In both, caches go through host memory. */
export async function generation(provider: 'cuda' | 'cpu'): Promise<Part> {
  const measures = await decoder(ensureExportedDecoder(), 6, 5, provider)
  return {
    head: ['work', 'ratio of medians', 'of 10th percentiles'],
    rows: measures.map(({ name, value, tenth }) => [name, fixed(value), fixed(tenth ?? value)]),
  }
}

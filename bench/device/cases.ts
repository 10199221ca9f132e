import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { load } from 'onnsight'
import type { Case } from '../../test/cases/case.ts'
import { CaseRunner } from '../../test/cases/runner.ts'
import type { Part } from './report.ts'

/** Runs every case of PyTorch's values on this provider. */
export async function cases(provider: 'cuda' | 'cpu'): Promise<Part> {
  const rows: (string | number)[][] = []
  for (const file of ['test/fixtures/cases.json', 'test/fixtures/verse/cases.json']) {
    const list = (JSON.parse(readFileSync(file, 'utf8')) as Case[]).filter(({ needs }) => needs !== 'gradients')
    const runner = new CaseRunner({
      load: model => load(join('test/fixtures/models', `${model}.onnx`), { provider }),
      read: tensors => readFile(join(dirname(file), tensors)),
    })
    const ofModel = new Map<string, { passed: number; off: number; failed: string[] }>()
    for (const entry of list) {
      const sum = ofModel.get(entry.model) ?? { passed: 0, off: 0, failed: [] }
      ofModel.set(entry.model, sum)
      const outcome = await runner.attempt(entry)
      if (outcome.failure === undefined) {
        sum.passed++
        sum.off = Math.max(sum.off, outcome.off)
      } else sum.failed.push(`${entry.id}: ${outcome.failure.slice(0, 200)}`)
    }
    await runner.release()
    for (const [model, { passed, off, failed }] of ofModel)
      rows.push([model, passed, off.toExponential(0), failed.join('; ')])
  }
  return { head: ['model', 'cases passed', 'furthest off', 'failed'], rows }
}

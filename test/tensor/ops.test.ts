import test from 'ava'
import { type Case, readCases, replay, show } from './replay.ts'

const methods = new Map<string, Case[]>()
for (const each of readCases('ops')) methods.set(each.method, [...(methods.get(each.method) ?? []), each])

for (const [method, cases] of methods) {
  test(`${method} gives what PyTorch gives`, async t => {
    const failures: string[] = []
    for (const each of cases) {
      const problem = await replay(each)
      if (problem) failures.push(`${show(each)} ${problem}`)
    }
    t.deepEqual(failures, [])
  })
}

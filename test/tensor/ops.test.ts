import test from 'ava'
import { casesByMethod, replay, show } from './replay.ts'

for (const [method, cases] of casesByMethod('ops')) {
  test(`${method} gives what PyTorch gives`, async t => {
    const failures: string[] = []
    for (const each of cases) {
      const problem = await replay(each)
      if (problem) failures.push(`${show(each)} ${problem}`)
    }
    t.deepEqual(failures, [])
  })
}

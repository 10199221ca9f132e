import { setTimeout as wait } from 'node:timers/promises'
import test from 'ava'
import { FairQueue } from '#dist/serve/queue/fair-queue.js'

test('users whose texts were made together are waited for a moment, and run with one who came between', async t => {
  const sizes: number[] = []
  const queue = new FairQueue<number, number>({
    maxBatch: 8,
    maxWaiting: 100,
    gatherMs: 2,
    async run({ jobs }) {
      sizes.push(jobs.length)
      await wait(200)
      return jobs
    },
  })
  const use = async (user: number): Promise<void> => {
    for (let i = 0; i < 3; i++) {
      t.is(await queue.add(`${user} ${i}`, `user ${user}`, 'texts', user, new AbortController().signal), user)
      await wait(1)
    }
  }
  const first = Array.from({ length: 4 }, (_, user) => use(user))
  // The last comes while the others run.
  await wait(50)
  await Promise.all([...first, use(4)])
  t.deepEqual(sizes, [4, 5, 5, 1])
})

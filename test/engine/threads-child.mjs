import { once } from 'node:events'
import { Worker } from 'node:worker_threads'

// Threads with a model of one file, two at once: what each found, as JSON.
const thread = (id, release) =>
  new Worker(new URL('in-thread.mjs', import.meta.url), {
    workerData: { path: 'test/fixtures/models/chars.onnx', id, release },
  })

async function found(worker) {
  const ended = once(worker, 'exit')
  const [message] = await once(worker, 'message')
  const [code] = await ended
  return { ...message, code }
}

const [first, second] = await Promise.all([found(thread(1, true)), found(thread(2, false))])
// Ended from outside, while it loads or runs; another one runs meanwhile.
const [after] = await Promise.all([
  found(thread(1, true)),
  ...[150, 500].map(async ms => {
    const worker = thread(3, true)
    await new Promise(done => setTimeout(done, ms))
    await worker.terminate()
  }),
])
console.log(JSON.stringify({ first, second, after }))

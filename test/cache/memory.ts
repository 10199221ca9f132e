import { readFileSync } from 'node:fs'
import { load } from 'onnsight'

/** Runs in a child process: loads argv[2] with the cache folder argv[3], if there is one, runs and edits it, and prints its private memory in bytes. */
const [, , path, cacheFolder] = process.argv
const memory = (): number =>
  Number(/Private_Dirty:\s+(\d+) kB/.exec(readFileSync('/proc/self/smaps_rollup', 'utf8'))?.[1]) * 1024

const before = memory()
const model = await load(path, { threads: 1, reuseBytes: 0, cacheFolder })
const x = [Array.from({ length: 1024 }, (_, i) => Math.cos(i))]
const { y } = await model.run({ x })
const loaded = memory() - before
let edited = loaded
// After some runs the block's weights are packed, once the run has returned.
for (let run = 0; run < 12; run++) {
  await model.trace({ x }, m => {
    m.layers[3].output = m.layers[3].output.mul(0.5)
    return m.layers[5].output
  })
  await new Promise(resolve => setTimeout(resolve, 10))
  edited = memory() - before
}
console.log(JSON.stringify({ memory: loaded, edited, y: Array.from(y.data as Float32Array) }))
await model.release()

import { existsSync, readFileSync } from 'node:fs'
import { readModel } from '#dist/runtime/onnx/reading/read.js'
import { writeModel } from '#dist/runtime/onnx/writing/write.js'

// Prints the peak memory of its process in bytes. The tests' own process runs several tests at once.
const [source, target] = process.argv.slice(2)
const read = await readModel(source)
await writeModel(read, target, { weights: 'external' })
// maxRSS includes the memory that the parent process had when it forked.
const status = existsSync('/proc/self/status') ? readFileSync('/proc/self/status', 'utf8') : ''
console.log(Number(/VmHWM:\s*(\d+)/.exec(status)?.[1] ?? process.resourceUsage().maxRSS) * 1024)

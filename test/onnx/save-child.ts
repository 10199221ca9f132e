import { existsSync, readFileSync } from 'node:fs'
import { readModel } from '#dist/runtime/onnx/reading/read.js'
import { writeModel } from '#dist/runtime/onnx/writing/write.js'

// Prints the most bytes that its process ever held: that of the tests is shared by all that run at once.
const [source, target] = process.argv.slice(2)
const read = await readModel(source)
await writeModel(read, target, { weights: 'external' })
// maxRSS begins with what the parent held when it forked.
const status = existsSync('/proc/self/status') ? readFileSync('/proc/self/status', 'utf8') : ''
console.log(Number(/VmHWM:\s*(\d+)/.exec(status)?.[1] ?? process.resourceUsage().maxRSS) * 1024)

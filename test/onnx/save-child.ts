import { readModel } from '#dist/runtime/onnx/read.js'
import { writeModel } from '#dist/runtime/onnx/write.js'

// Prints by how many bytes writing makes the memory of its process grow: that of the tests is shared by all that run at once.
const [source, target] = process.argv.slice(2)
const read = await readModel(source)
const before = process.resourceUsage().maxRSS
await writeModel(read, target, { weights: 'external' })
console.log((process.resourceUsage().maxRSS - before) * 1024)

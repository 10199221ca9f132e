import { readModel } from '#dist/runtime/onnx/read.js'
import { writeModel } from '#dist/runtime/onnx/write.js'

// Prints the most bytes that its process ever held: that of the tests is shared by all that run at once.
const [source, target] = process.argv.slice(2)
const read = await readModel(source)
await writeModel(read, target, { weights: 'external' })
console.log(process.resourceUsage().maxRSS * 1024)

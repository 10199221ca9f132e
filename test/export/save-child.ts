import { existsSync, readFileSync } from 'node:fs'
import { load } from 'onnsight'

// Saves an edited model, and prints its process's peak memory in bytes. The tests' own process runs several tests at once.
const [source, target] = process.argv.slice(2)
const model = await load(source)
const edited = model.edit(m => {
  m.node('scale').output = m.node('scale').output.add(0.5)
})
await edited.save(target, { weights: 'external' })
const status = existsSync('/proc/self/status') ? readFileSync('/proc/self/status', 'utf8') : ''
console.log(Number(/VmHWM:\s*(\d+)/.exec(status)?.[1] ?? process.resourceUsage().maxRSS) * 1024)

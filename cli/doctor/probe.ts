import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { nodeProvider } from '../../runtime/engine/providers/node.ts'
import { say } from './child.ts'

/* Runs a session of one node on a device, with the onnxruntime of the onnsight in FOLDER: probe.js FOLDER DEVICE. */

const [folder, device] = process.argv.slice(2)
try {
  const path = join(folder, 'dist/runtime/engine/providers/node.js')
  const module = (await import(pathToFileURL(path).href)) as { readonly nodeProvider: typeof nodeProvider }
  await module.nodeProvider({ device: device as 'cpu' | 'cuda', deviceId: 0 }).probe()
  say({ works: true })
} catch (error) {
  say({ works: false, reason: error instanceof Error ? error.message : String(error) })
}

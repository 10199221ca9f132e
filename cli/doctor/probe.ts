import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { nodeProvider } from '../../runtime/engine/providers/node.ts'
import { sendAnswer } from './child.ts'

/* Runs a session of one node on a device, with the onnxruntime of the onnsight in FOLDER: probe.js FOLDER DEVICE. */

const [folder, device] = process.argv.slice(2)
try {
  const path = join(folder, 'dist/runtime/engine/providers/node.js')
  const module = (await import(pathToFileURL(path).href)) as { readonly nodeProvider: typeof nodeProvider }
  await module.nodeProvider({ device: device as 'cpu' | 'cuda', deviceId: 0 }).probe()
  sendAnswer({ works: true })
} catch (error) {
  sendAnswer({ works: false, reason: error instanceof Error ? error.message : String(error) })
}

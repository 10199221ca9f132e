import { webProvider } from '../engine/providers/web.ts'
import { Calculator } from '../engine/running/calculator.ts'
import { NotInBrowserError } from '../errors/web.ts'
import { useEvaluator } from '../graph/recorder.ts'
import { hasPlatform, usePlatformFiles } from '../onnx/files/platform-files.ts'
import '../tensor/ops/index.ts'
import { useTensorWriter } from '../tensor-files/platform-writer.ts'
import { readBlobBytes } from './blobs.ts'

let installed = false

/**
 * What a browser gives: onnxruntime-web for tensors outside a model. Nothing there follows awaits, so a trace is made current again by
 * hand after each one.
 */
export function installPlatform(): void {
  // A server that renders a browser's component has both halves: Node's stays.
  if (installed || hasPlatform()) return
  installed = true
  const calculator = new Calculator(webProvider({ device: 'wasm' }))
  useEvaluator(values => calculator.evaluate(values))
  usePlatformFiles({ readBytes: readBlobBytes })
  useTensorWriter(async () => {
    throw new NotInBrowserError('Writing activations to a file', 'keep them in memory: leave out cache()’s option file')
  })
}

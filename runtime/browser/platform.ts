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
 * Installs the browser's platform: onnxruntime-web for tensors outside a model. Browsers have no async context, so onnsight makes a trace
 * current again after each await.
 */
export function installPlatform(): void {
  // A server that renders components imports this too. Node's platform stays installed there.
  if (installed || hasPlatform()) return
  installed = true
  const calculator = new Calculator(webProvider({ device: 'wasm' }))
  useEvaluator(values => calculator.evaluate(values))
  usePlatformFiles({ readBytes: readBlobBytes })
  useTensorWriter(async () => {
    throw new NotInBrowserError('Writing activations to a file', 'keep them in memory: leave out cache()’s option file')
  })
}

import { nodeProvider } from '../engine/providers/node.ts'
import { Calculator } from '../engine/running/calculator.ts'
import { useEvaluator, useRecorderScope } from '../graph/recorder.ts'
import { readFileBytes } from '../onnx/files/file-source.ts'
import { usePlatformFiles } from '../onnx/files/platform-files.ts'
import { useTensorWriter } from '../tensor-files/platform-writer.ts'
import { writeSafetensors } from '../tensor-files/safetensors.ts'
import '../tensor/ops/index.ts'
import { asyncScope } from '../tracing/scopes/node-scope.ts'
import { useListenerScope } from '../tracing/scopes/report-listeners.ts'
import { useSessionScope } from '../tracing/scopes/session-scope.ts'

let installed = false

/** Installs Node's platform: onnxruntime-node for tensors outside a model, and scopes that keep the current trace across awaits. */
export function installPlatform(): void {
  if (installed) return
  installed = true
  const calculator = new Calculator(nodeProvider({ device: 'cpu', deviceId: 0 }))
  useEvaluator(values => calculator.evaluate(values))
  useRecorderScope(asyncScope())
  useListenerScope(asyncScope())
  useSessionScope(asyncScope())
  usePlatformFiles({ readBytes: readFileBytes })
  useTensorWriter(writeSafetensors)
}

import { Calculator } from './engine/evaluate.ts'
import { nodeProvider } from './engine/providers/node.ts'
import { useEvaluator } from './graph/recorder.ts'

const calculator = new Calculator(nodeProvider({ device: 'cpu', deviceId: 0 }))
useEvaluator(values => calculator.evaluate(values))

export { OnnsightError } from './errors/error.ts'
export { Tensor } from './tensor/tensor.ts'
import './tensor/ops/index.ts'

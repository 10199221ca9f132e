import { currentRecorder } from '../../graph/recorder.ts'
import { expecting } from '../arguments/check-arguments.ts'
import { methodArguments } from '../arguments/signatures.ts'
import { guardTensors } from '../members/other-libraries.ts'
import { stateOf, Tensor, useGradientOfLoss } from '../tensor.ts'
import { activation } from './activation.ts'
import { arranging } from './arrange.ts'
import { assignment } from './assign.ts'
import { cast } from './cast.ts'
import { comparison } from './comparison.ts'
import { elementwise } from './elementwise.ts'
import { gathering } from './gather.ts'
import { differentiation, gradientOfLoss } from './gradient.ts'
import { joining } from './join.ts'
import { linalg } from './linalg.ts'
import { losses } from './loss.ts'
import { reduction } from './reduce.ts'
import { shaping } from './shape.ts'
import { slicing } from './slice.ts'

const families = [
  elementwise,
  comparison,
  cast,
  reduction,
  linalg,
  activation,
  losses,
  shaping,
  arranging,
  joining,
  gathering,
  slicing,
  assignment,
  differentiation,
]

/** The operations that are methods of `Tensor`. */
export type TensorMethods = typeof elementwise &
  typeof comparison &
  typeof cast &
  typeof reduction &
  typeof linalg &
  typeof activation &
  typeof losses &
  typeof shaping &
  typeof arranging &
  typeof joining &
  typeof gathering &
  typeof slicing &
  typeof assignment &
  typeof differentiation

// `Tensor` itself imports no operation, so that operations can import it. This adds their declarations to its own.
declare module '../tensor.ts' {
  interface Tensor extends TensorMethods {}
}

type Method = (this: Tensor, ...args: unknown[]) => unknown

/** Many operations record several nodes. This makes all of them stand at the line of the user's one call. */
function asOneCall(method: Method): Method {
  return function (...args) {
    const recorder = stateOf(this).recorder ?? currentRecorder()
    return recorder ? recorder.oneCall(() => method.apply(this, args)) : method.apply(this, args)
  }
}

for (const family of families) {
  for (const [name, method] of Object.entries(family)) {
    const value = asOneCall(expecting(name, methodArguments[name], method as Method))
    Object.defineProperty(Tensor.prototype, name, { value, writable: true, configurable: true })
  }
}

useGradientOfLoss(gradientOfLoss)
guardTensors()

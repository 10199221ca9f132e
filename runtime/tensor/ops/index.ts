import { currentRecorder } from '../../graph/recorder.ts'
import { knownOptions } from '../known-options.ts'
import { isPlain } from '../plain.ts'
import { Tensor } from '../tensor.ts'
import { activation } from './activation.ts'
import { arranging } from './arrange.ts'
import { assignment } from './assign.ts'
import { cast } from './cast.ts'
import { comparison } from './comparison.ts'
import { elementwise } from './elementwise.ts'
import { gathering } from './gather.ts'
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
]

/** Every operation that is a method of `Tensor`. */
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
  typeof assignment

type Method = (this: Tensor, ...args: unknown[]) => unknown

/** Many operations are made of several: all of them stand at the line of the call. */
function asOneCall(method: Method): Method {
  return function (...args) {
    const recorder = this.owner ?? currentRecorder()
    return recorder ? recorder.oneCall(() => method.apply(this, args)) : method.apply(this, args)
  }
}

/** The last argument of these is an object of options. */
const OPTIONS: Readonly<Record<string, readonly string[]>> = {
  ...Object.fromEntries(
    'sum mean prod max min amax amin argmax argmin norm logsumexp any all nansum nanmean median'
      .split(' ')
      .map(name => [name, ['keepdim']]),
  ),
  var: ['correction', 'keepdim'],
  std: ['correction', 'keepdim'],
  topk: ['largest', 'sorted'],
  sort: ['descending'],
  argsort: ['descending'],
  gelu: ['approximate'],
  crossEntropy: ['reduction', 'ignoreIndex'],
  nllLoss: ['reduction', 'ignoreIndex'],
  mseLoss: ['reduction'],
  cosineSimilarity: ['eps'],
}

/** Refuses options that the operation does not have. */
function withOptions(name: string, method: Method, known: readonly string[]): Method {
  return function (...args) {
    const last = args.at(-1)
    if (last !== null && typeof last === 'object' && isPlain(last))
      args[args.length - 1] = knownOptions(name, last, known)
    return method.apply(this, args)
  }
}

for (const family of families) {
  for (const [name, method] of Object.entries(family)) {
    const known = OPTIONS[name]
    const value = asOneCall(known ? withOptions(name, method as Method, known) : (method as Method))
    Object.defineProperty(Tensor.prototype, name, { value, writable: true, configurable: true })
  }
}

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

for (const family of families) {
  for (const [name, method] of Object.entries(family)) {
    Object.defineProperty(Tensor.prototype, name, { value: method, writable: true, configurable: true })
  }
}

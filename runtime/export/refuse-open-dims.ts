import { UnsavableEditError } from '../errors/edit.ts'
import { isOwnFrame } from '../errors/own-frames.ts'
import type { Dims } from '../graph/expression.ts'
import { currentPosition } from '../tensor/current-position.ts'

/**
 * Dims for an edit's own code, in which reading a dim that differs from input to input throws UnsavableEditError: a number computed from it
 * would be wrong for other inputs. onnsight's own code gets the dims as they are, because it handles unknown dims.
 */
export function refuseOpenDims(dims: Dims, label: string): Dims {
  // The frames are: this function, the getters `dims` of the state and of the tensor, and the code that reads it.
  const [, own, , getter, caller] = (new Error().stack ?? '').split('\n')
  // In a bundle, onnsight's own frames can't be distinguished from the user's.
  if (!own || !caller || !isOwnFrame(own) || !isOwnFrame(getter) || isOwnFrame(caller)) return dims
  return new Proxy(dims, {
    get(target, key) {
      const isPlace = typeof key === 'string' && /^\d+$/.test(key)
      if (isPlace && Number(key) < target.length && target[Number(key)] === undefined)
        throw openDimError(label, Number(key))
      return Reflect.get(target, key)
    },
  })
}

function openDimError(label: string, axis: number): UnsavableEditError {
  return new UnsavableEditError(
    `it asks how long axis ${axis} of ${label} is, which differs from input to input, and the file must serve them all`,
    'use operations that take any length, and dims by their own place where they are fixed: h.dims.at(-1)',
    currentPosition(),
  )
}

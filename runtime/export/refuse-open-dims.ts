import { UnsavableEditError } from '../errors/edit.ts'
import { isOwnFrame } from '../errors/own-frames.ts'
import type { Dims } from '../graph/expression.ts'
import { currentPosition } from '../tensor/current-position.ts'

/**
 * Dims that differ from input to input, as an edit's own code sees them: a number made from one would be wrong for other inputs, so asking
 * for one is refused. Our own code, which knows what to do where a dim is not known, gets them as they are.
 */
export function askedByUser(dims: Dims, label: string): Dims {
  // This function, the tensor's state, the getter `dims`, and whoever reads it.
  const [, own, , getter, caller] = (new Error().stack ?? '').split('\n')
  // In a bundle our own frames can't be told from the user's.
  if (!own || !caller || !isOwnFrame(own) || !isOwnFrame(getter) || isOwnFrame(caller)) return dims
  return new Proxy(dims, {
    get(target, key) {
      const isPlace = typeof key === 'string' && /^\d+$/.test(key)
      if (isPlace && Number(key) < target.length && target[Number(key)] === undefined) throw refused(label, Number(key))
      return Reflect.get(target, key)
    },
  })
}

function refused(label: string, axis: number): UnsavableEditError {
  return new UnsavableEditError(
    `it asks how long axis ${axis} of ${label} is, which differs from input to input, and the file must serve them all`,
    'use operations that take any length, and dims by their own place where they are fixed: h.dims.at(-1)',
    currentPosition(),
  )
}

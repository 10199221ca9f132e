import { UnsavableEditError } from '../errors/edit.ts'
import { isOwnFrame } from '../errors/own-frames.ts'
import type { Dims } from '../graph/expression.ts'
import { currentPosition } from '../tensor/current-position.ts'
import { Tensor } from '../tensor/tensor.ts'

const readDims = Object.getOwnPropertyDescriptor(Tensor.prototype, 'dims')?.get

/**
 * Dims for an edit's own code, in which reading a dim that differs from input to input throws UnsavableEditError: a number computed from it
 * would be wrong for other inputs. onnsight's own code gets the dims as they are, because it handles unknown dims.
 */
export function refuseOpenDims(dims: Dims, label: string): Dims {
  // In a bundle, onnsight's own frames can't be distinguished from the user's.
  const [own] = frames(undefined)
  const [reader] = frames(readDims)
  if (!own || !reader || !isOwnFrame(own) || isOwnFrame(reader)) return dims
  return new Proxy(dims, {
    get(target, key) {
      const isPlace = typeof key === 'string' && /^\d+$/.test(key)
      if (isPlace && Number(key) < target.length && target[Number(key)] === undefined)
        throw openDimError(label, Number(key))
      return Reflect.get(target, key)
    },
  })
}

/** The lines of the stack below the last call of `callee`, the nearest first; without a callee, those from this module on. */
function frames(callee: (() => unknown) | undefined): string[] {
  const holder: { stack?: string } = {}
  Error.captureStackTrace(holder, callee ?? frames)
  return (holder.stack ?? '').split('\n').slice(1)
}

function openDimError(label: string, axis: number): UnsavableEditError {
  return new UnsavableEditError(
    `it asks how long axis ${axis} of ${label} is, which differs from input to input, and the file must serve them all`,
    'use operations that take any length, and dims by their own place where they are fixed: h.dims.at(-1)',
    currentPosition(),
  )
}

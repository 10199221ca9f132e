import { OnnsightError } from '../../../runtime/errors/error.ts'
import { UnknownShapeError } from '../../../runtime/errors/tensor.ts'
import type { Tap } from '../../../runtime/graph/expression.ts'
import type { Tensor } from '../../../runtime/index.ts'
import type { Binding } from '../../../runtime/model/binding.ts'
import type { ModuleNode } from '../../../runtime/names/tree.ts'
import type { SentShape, ValuePlace } from '../api.ts'

/** A value that leaves or enters a module, in the trace that is current. */
export interface Reading {
  readonly place: ValuePlace
  readonly tensor: Tensor
}

/** All that leaves and enters a module, its outputs first, and which of them is meant where none is named. */
export function readingsOf(binding: Binding, module: ModuleNode): { readings: Reading[]; main: number } {
  const { taps } = binding
  const sides = [
    ['output', taps.outputTaps(module), () => taps.outputTap(module)],
    ['input', taps.inputTaps(module), () => taps.inputTap(module)],
  ] as const
  const readings = sides.flatMap(([side, found]) =>
    [...found].map(([name, tap]) => {
      const tensor = binding.read(tap)
      return { place: { side, name, ...shapeOf(tensor) }, tensor }
    }),
  )
  const [main] = sides.flatMap(([side, , preferred]) => {
    const tap = attempted(preferred)
    const index = readings.findIndex(({ place }) => place.side === side && place.name === tap?.tensor)
    return index < 0 ? [] : [index]
  })
  return { readings, main: main ?? 0 }
}

/** Undefined where several are as good, or none passes. */
function attempted(find: () => Tap): Tap | undefined {
  try {
    return find()
  } catch (error) {
    if (error instanceof OnnsightError) return undefined
    throw error
  }
}

export function shapeOf(tensor: Tensor): SentShape {
  return { type: tensor.type, dims: dimsOf(tensor)?.map(dim => dim ?? null) ?? [] }
}

function dimsOf(tensor: Tensor): Tensor['dims'] | undefined {
  try {
    return tensor.dims
  } catch (error) {
    if (error instanceof UnknownShapeError) return undefined
    throw error
  }
}

/** With dims that are numbers: where they depend on the data, the model is run up to there. */
export async function withKnownDims(tensor: Tensor): Promise<Tensor> {
  const dims = dimsOf(tensor)
  return dims === undefined || dims.includes(undefined) ? await tensor.value() : tensor
}

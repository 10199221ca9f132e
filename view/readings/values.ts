import { OnnsightError } from '../../runtime/errors/error.ts'
import { UnknownShapeError } from '../../runtime/errors/tensor.ts'
import type { Tap } from '../../runtime/graph/expression.ts'
import type { Tensor } from '../../runtime/index.ts'
import type { Binding } from '../../runtime/model/modules/binding.ts'
import type { ModuleNode } from '../../runtime/names/tree.ts'
import type { SentShape, ValuePlace } from '../protocol/api.ts'

/** A value that leaves or enters a module, in the trace that is current. */
export interface Reading {
  readonly place: ValuePlace
  readonly tensor: Tensor
}

/** What goes through a module. */
export interface Readings {
  /** Outputs first. */
  readonly readings: readonly Reading[]
  /** Which of them is meant where none is named. */
  readonly main: number
  /** Why the module has no output that could be meant. */
  readonly note?: string
}

export function readingsOf(binding: Binding, module: ModuleNode): Readings {
  const { taps } = binding
  const output = attempted(() => taps.outputTap(module))
  const sides = [
    ['output', taps.outputTaps(module)],
    ['input', taps.inputTaps(module)],
  ] as const
  const readings = sides.flatMap(([side, found]) =>
    [...found].map(([name, tap]) => {
      const tensor = binding.read(tap)
      return { place: { side, name, ...shapeOf(tensor) }, tensor }
    }),
  )
  const main = readings.findIndex(({ place }) => place.side === 'output' && place.name === output.tap?.tensor)
  return { readings, main: Math.max(0, main), ...(output.why ? { note: output.why } : {}) }
}

/** A place, or why there is none: several are as good, none passes, or what passes is not what it seems. */
function attempted(find: () => Tap): { readonly tap?: Tap; readonly why?: string } {
  try {
    return { tap: find() }
  } catch (error) {
    if (error instanceof OnnsightError) return { why: error.message.split('\n')[0] }
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

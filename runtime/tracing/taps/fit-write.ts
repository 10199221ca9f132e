import type { ValueShape } from '../../engine/scanning/value-shape.ts'
import { ShapeError, showDims } from '../../errors/tensor.ts'
import type { Mark } from '../../graph/expression.ts'
import { Tensor } from '../../tensor/tensor.ts'

/**
 * Called with a written value whose dims may not match its place for every input, and with the value that is made to match, or to fail,
 * when the model runs.
 */
export type OnUncertainWrite = (written: Tensor, fitted: Tensor | undefined) => void

/** Fits a written value to its place: to the dims and the dtype. @throws ShapeError or DtypeError, which says why it does not fit */
export function fitWrite(
  label: string,
  current: () => Tensor,
  shape: ValueShape | undefined,
  written: unknown,
  mark: Mark | undefined,
  onUncertainWrite?: OnUncertainWrite,
): Tensor {
  if (written instanceof Tensor && (!shape || written.type === shape.type)) {
    const dims = knownDims(written)
    if (!dims || !shape?.dims) {
      onUncertainWrite?.(written, undefined)
      return written
    }
    const fits =
      dims.length === shape.dims.length &&
      dims.every((dim, i) => dim === undefined || shape.dims?.[i] === undefined || dim === shape.dims[i])
    if (fits) {
      const isSure = dims.every((dim, i) => dim !== undefined && dim === shape.dims?.[i])
      if (isSure || (!onUncertainWrite && shape.dims.includes(undefined))) return written
      // The run makes it fit, or fails.
      const fitted = current().assign('...' as never, written as never)
      if (!onUncertainWrite) return fitted
      onUncertainWrite(written, fitted)
      return written
    }
    if (dims.length > shape.dims.length) {
      throw new ShapeError(
        `${label}: a value of ${showDims(dims)} was written where ${showDims(shape.dims)} is read.`,
        mark?.position(),
      )
    }
  }
  // Numbers, arrays and values that must be broadcast or converted are written as in an assignment to the whole slice.
  return current().assign('...' as never, written as never)
}

function knownDims(tensor: Tensor) {
  try {
    return tensor.dims
  } catch {
    return undefined
  }
}

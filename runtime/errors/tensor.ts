import { asCode } from './as-code.ts'
import { OnnsightError, type SourcePosition } from './error.ts'

export class NotSavedError extends OnnsightError {
  static readonly code = 'not-saved'
  constructor(what: string, trace: string, at?: SourcePosition) {
    super(NotSavedError.code, `${what} was used after its trace (${trace}) had ended, but it was never saved.`, {
      at,
      fix: `save it inside the block: save(${asCode(what)})`,
    })
  }
}

export class NotComputedError extends OnnsightError {
  static readonly code = 'not-computed'
  constructor(what: string, inTrace: boolean, at?: SourcePosition) {
    super(
      NotComputedError.code,
      `${what} has no value yet: ${inTrace ? 'the model has not run' : 'it is computed only when you ask for it'}.`,
      {
        at,
        fix: inTrace
          ? 'ask for it with `await h.value()`, or save(h) and read it after the trace'
          : 'ask for it with `await t.value()`',
      },
    )
  }
}

export class ShapeError extends OnnsightError {
  static readonly code = 'shape'
  constructor(
    message: string,
    at?: SourcePosition,
    fix = 'compare the dims of both sides, then slice, reshape or expand one of them',
  ) {
    super(ShapeError.code, message, { at, fix })
  }
}

export class IndexError extends OnnsightError {
  static readonly code = 'index'
  constructor(message: string, at?: SourcePosition, fix = 'count from 0, or from the end with negative numbers') {
    super(IndexError.code, message, { at, fix })
  }
}

export class DtypeError extends OnnsightError {
  static readonly code = 'dtype'
  constructor(message: string, at?: SourcePosition, fix = "convert it first: h.to('float32')") {
    super(DtypeError.code, message, { at, fix })
  }
}

export class UnknownShapeError extends OnnsightError {
  static readonly code = 'unknown-shape'
  constructor(operation: string, dims: readonly (number | undefined)[] | undefined, at?: SourcePosition) {
    const needed = operation === 'dims' ? 'The dims of this value are' : `${operation} needs dims that are`
    const known = dims ? showDims(dims) : 'not even the rank is known before'
    super(UnknownShapeError.code, `${needed} known only after the model has run: ${known}.`, {
      at,
      fix: 'ask for the value first: const t = await h.value()',
    })
  }
}

export class ArgumentError extends OnnsightError {
  static readonly code = 'argument'
  constructor(message: string, at?: SourcePosition, fix = 'check the arguments of this call') {
    super(ArgumentError.code, message, { at, fix })
  }
}

export class MixedTracesError extends OnnsightError {
  static readonly code = 'mixed-traces'
  constructor(operation: string, at?: SourcePosition) {
    super(MixedTracesError.code, `${operation} combines values of two traces that are both still being recorded.`, {
      at,
      fix: 'save the value in the first trace, and use it after that trace has ended',
    })
  }
}

export class ImplicitConversionError extends OnnsightError {
  static readonly code = 'implicit-conversion'
  constructor(what: string, hint: string, at?: SourcePosition) {
    super(ImplicitConversionError.code, `${what} is a tensor, and JavaScript can't convert it to a ${hint}.`, {
      at,
      fix: 'use a method (h.add(1), h.gt(0), and(), or(), not(), maximum()), or item() / tolist() on a computed value',
    })
  }
}

export class NotAPlaceError extends OnnsightError {
  static readonly code = 'not-a-place'
  constructor(what: string, at?: SourcePosition) {
    super(NotAPlaceError.code, `set() was called on ${what}, which is a computed value, not a place in the model.`, {
      at,
      fix: 'write to the place itself, model.….output.set(slice, value), or make a changed copy: h.assign(slice, value)',
    })
  }
}

/** The dims as text: `[1, 7, ?]`. */
export function showDims(dims: readonly (number | undefined)[]): string {
  return `[${dims.map(dim => dim ?? '?').join(', ')}]`
}

import { type Located, OnnsightError, type SourcePosition } from './error.ts'

export class NotDifferentiableError extends OnnsightError {
  static readonly code = 'not-differentiable'
  constructor(opType: string, node: string, mark: Located | undefined, reason?: string) {
    super(
      NotDifferentiableError.code,
      `No gradient passes ${opType}${node === '' ? '' : ` (${node})`}: ${reason ?? 'the operator has no derivative, or no rule for it here.'}`,
      { at: mark?.position(), fix: 'ask for the gradient at a place after it, or use detach() on its result' },
    )
  }
}

export class GradientArgumentError extends OnnsightError {
  static readonly code = 'gradient-argument'
  constructor(reason: string, at: SourcePosition | undefined, fix: string) {
    super(GradientArgumentError.code, reason, { at, fix })
  }
}

import { OnnsightError } from './error.ts'

export interface DeclaredInput {
  readonly name: string
  readonly type: string
  readonly dims: readonly (number | string | undefined)[] | undefined
}

/** Thrown for wrong inputs of a model: missing or unknown ones, or ones of a wrong dtype or dims. The message lists the inputs of the model. */
export class InputError extends OnnsightError {
  static readonly code = 'input'
  constructor(
    message: string,
    declared: readonly DeclaredInput[],
    fix = 'pass each input listed above, with its dtype and dims',
    cause?: unknown,
  ) {
    const list = declared.map(input => `    ${describeInput(input)}`).join('\n')
    super(InputError.code, `${message}\n  The model takes:\n${list}`, { fix, cause })
  }
}

export function describeInput(input: DeclaredInput): string {
  return `${input.name}: ${describeType(input)}`
}

/** The dtype and dims as text: `int64 [batch, sequence]`. */
export function describeType({ type, dims }: DeclaredInput): string {
  return `${type} [${dims ? dims.map(dim => dim ?? '?').join(', ') : '…'}]`
}

export class LoadOptionError extends OnnsightError {
  static readonly code = 'load-option'
  constructor(message: string, fix: string) {
    super(LoadOptionError.code, message, { fix })
  }
}

export class UnsupportedModelError extends OnnsightError {
  static readonly code = 'unsupported-model'
  constructor(path: string, reason: string, cause?: unknown) {
    super(UnsupportedModelError.code, `onnxruntime can't load ${path}: ${reason}`, {
      cause,
      fix: 'export the model again, with operators that onnxruntime supports: ai.onnx up to opset 26, and com.microsoft',
    })
  }
}

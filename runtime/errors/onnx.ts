import { type ErrorDetails, OnnsightError } from './error.ts'

export class ModelNotFoundError extends OnnsightError {
  static readonly code = 'model-not-found'
  constructor(path: string, nearby: readonly string[]) {
    const hint = nearby.length > 0 ? ` That folder has ${nearby.join(', ')}.` : ''
    super(ModelNotFoundError.code, `There is no file ${path}.${hint}`, {
      fix: 'check the path; a relative path starts at the current folder',
    })
  }
}

export class UnreadableModelError extends OnnsightError {
  static readonly code = 'unreadable-model'
  constructor(
    path: string,
    reason: string,
    { fix = 'check that you have permission to read it', cause }: ErrorDetails,
  ) {
    super(UnreadableModelError.code, `${path} can't be read: ${reason}.`, { fix, cause })
  }
}

export class NotOnnxError extends OnnsightError {
  static readonly code = 'not-onnx'
  constructor(path: string, found: string, fix = 'pass the path of a .onnx file') {
    super(NotOnnxError.code, `${path} is not an ONNX model: it is ${found}.`, { fix })
  }
}

export class TruncatedModelError extends OnnsightError {
  static readonly code = 'truncated-model'
  constructor(path: string, size: number, reason: string) {
    super(TruncatedModelError.code, `${path} is incomplete: it has only ${size} bytes (${reason})`, {
      fix: 'download or export it again',
    })
  }
}

export class ExternalDataError extends OnnsightError {
  static readonly code = 'external-data'
  constructor(
    message: string,
    fix = 'put the file with the weights next to the model, under the name it was exported with',
  ) {
    super(ExternalDataError.code, message, { fix })
  }
}

export class UnsupportedVersionError extends OnnsightError {
  static readonly code = 'unsupported-version'
  constructor(path: string, what: string, found: number, most: number) {
    super(UnsupportedVersionError.code, `${path} has ${what} ${found}, but onnxruntime supports only up to ${most}.`, {
      fix: `export it with ${what} ${most} or lower`,
    })
  }
}

export class InvalidGraphError extends OnnsightError {
  static readonly code = 'invalid-graph'
  constructor(message: string) {
    super(InvalidGraphError.code, message, { fix: 'export the model again: its graph breaks the ONNX rules' })
  }
}

export class UnwritableModelError extends OnnsightError {
  static readonly code = 'unwritable-model'
  constructor(path: string, reason: string, fix: string, cause?: unknown) {
    super(UnwritableModelError.code, `${path} can't be written: ${reason}.`, { fix, cause })
  }
}

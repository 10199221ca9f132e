import { OnnsightError, type SourcePosition } from './error.ts'

/** Thrown for an edit that can't be written as nodes of an ONNX graph. */
export class UnsavableEditError extends OnnsightError {
  static readonly code = 'unsavable-edit'
  constructor(reason: string, fix: string, at?: SourcePosition, cause?: unknown) {
    super(UnsavableEditError.code, `This edit can’t be saved: ${reason}.`, { at, fix, cause })
  }
}

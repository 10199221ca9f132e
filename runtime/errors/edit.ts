import { OnnsightError, type SourcePosition } from './error.ts'

/** An edit that no ONNX graph can hold. */
export class UnsavableEditError extends OnnsightError {
  static readonly code = 'unsavable-edit'
  constructor(reason: string, fix: string, at?: SourcePosition, cause?: unknown) {
    super(UnsavableEditError.code, `This edit can’t be saved: ${reason}.`, { at, fix, cause })
  }
}

import { OnnsightError, type SourcePosition } from './error.ts'

export class GraphLimitError extends OnnsightError {
  static readonly code = 'graph-limit'
  constructor(message: string, at?: SourcePosition | undefined, fix = 'make the block smaller, or allow more: limits') {
    super(GraphLimitError.code, message, { at, fix })
  }
}

export class GraphTimeError extends OnnsightError {
  static readonly code = 'graph-time'
  constructor(limitMs: number) {
    super(GraphTimeError.code, `This graph took longer than its limit of ${limitMs} ms.`, {
      fix: 'make the block smaller, or allow more: limits: { timeMs: … }',
    })
  }
}

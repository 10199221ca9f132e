import { type Located, OnnsightError, type SourcePosition } from './error.ts'

function distinct(marks: readonly (Located | undefined)[]): SourcePosition[] {
  const positions = new Map<string, SourcePosition>()
  for (const mark of marks) {
    const position = mark?.position()
    if (position) positions.set(`${position.file}:${position.line}`, position)
  }
  return [...positions.values()]
}

function alsoAt(positions: readonly SourcePosition[]): string {
  return positions.length < 2
    ? ''
    : ` (with ${positions
        .slice(1)
        .map(at => `${at.file}:${at.line}`)
        .join(', ')})`
}

export class CycleError extends OnnsightError {
  static readonly code = 'cycle'
  constructor(label: string, marks: readonly (Located | undefined)[]) {
    const positions = distinct(marks)
    super(CycleError.code, `${label} was written with a value that is itself computed from it${alsoAt(positions)}.`, {
      at: positions[0],
      fix: 'take the value from another trace: save it there, and use it here',
    })
  }
}

export class OutOfOrderError extends OnnsightError {
  static readonly code = 'out-of-order'
  constructor(label: string, write: Located | undefined, computedAt: Located | undefined) {
    const before = computedAt?.position()
    const where = before ? ` at ${before.file}:${before.line}` : ''
    super(
      OutOfOrderError.code,
      `${label} was written too late: a value that depends on it was already computed${where}.`,
      {
        at: write?.position(),
        fix: 'move the write before the line that asks for the value',
      },
    )
  }
}

export class DecidedError extends OnnsightError {
  static readonly code = 'decided'
  constructor(label: string, write: Located | undefined) {
    super(DecidedError.code, `${label} can't be written: it has already decided which branch of the model runs.`, {
      at: write?.position(),
      fix: 'pass the value you want as an input of the trace',
    })
  }
}

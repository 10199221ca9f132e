import { asCode } from './as-code.ts'
import { type Located, OnnsightError, type SourcePosition } from './error.ts'

export class OutsideTraceError extends OnnsightError {
  static readonly code = 'outside-trace'
  constructor(label: string) {
    super(OutsideTraceError.code, `${label} was used outside a trace: a value exists only while the model runs.`, {
      fix: `use it inside trace(model, inputs, () => …), and save what you need: save(${asCode(label)})`,
    })
  }
}

export class TraceEndedError extends OnnsightError {
  static readonly code = 'trace-ended'
  constructor(label: string, trace: string, at?: SourcePosition) {
    super(
      TraceEndedError.code,
      `${label} was used after its trace (${trace}) had ended: a callback outlived the block.`,
      {
        at,
        fix: 'await the callback inside the block',
      },
    )
  }
}

export class OtherModelError extends OnnsightError {
  static readonly code = 'other-model'
  constructor(label: string, model: string, traced: string, at?: SourcePosition) {
    super(OtherModelError.code, `${label} belongs to ${model}, but this is a trace of ${traced}.`, {
      at,
      fix: 'save the value in a trace of its own model first, and use the saved tensor here',
    })
  }
}

export class SaveError extends OnnsightError {
  static readonly code = 'save'
  constructor(message: string, fix: string, at?: SourcePosition) {
    super(SaveError.code, message, { at, fix })
  }
}

export class ConditionError extends OnnsightError {
  static readonly code = 'condition'
  constructor(message: string, fix: string, at?: SourcePosition) {
    super(ConditionError.code, message, { at, fix })
  }
}

export class TraceArgumentsError extends OnnsightError {
  static readonly code = 'trace-arguments'
  constructor(message: string, fix: string, at?: SourcePosition) {
    super(TraceArgumentsError.code, message, { at, fix })
  }
}

export class SkippedError extends OnnsightError {
  static readonly code = 'skipped'
  constructor(label: string, module: string, skip: Located | undefined, earlier?: Located) {
    const where = skip ? ` (${skip.label()})` : ''
    super(
      SkippedError.code,
      earlier
        ? `${module} is skipped here, but ${label} inside it was written before (${earlier.label()}): that write would be lost.`
        : `${label} is inside ${module}, which this trace skips${where}, so it is not computed.`,
      { fix: `leave out the skip, or use ${asCode(`${module}.output`)} or .input` },
    )
  }
}

export class ScannedError extends OnnsightError {
  static readonly code = 'scanned'
  constructor(label: string | undefined, at?: SourcePosition) {
    super(
      ScannedError.code,
      label === undefined
        ? 'A scan can’t give a value, because it does not run the model.'
        : `${label} was only scanned: its dims and dtype are known, but it has no value.`,
      { at, fix: 'use trace() instead of scan() where values are needed' },
    )
  }
}

export class AssertionFailedError extends OnnsightError {
  static readonly code = 'assertion'
  constructor(message: string, index: readonly number[] | undefined, at?: SourcePosition) {
    const where = index && index.length > 0 ? ` (first at [${index.join(', ')}])` : ''
    super(AssertionFailedError.code, `An assertion failed${where}: ${message}.`, {
      at,
      fix: 'print the value to see it: print(h)',
    })
  }
}

/** Thrown by stop() to end a block. The tracer catches it, and runs what was recorded before. */
export class ExitTracingException extends OnnsightError {
  static readonly code = 'exit-tracing'
  constructor() {
    super(ExitTracingException.code, 'stop() ended the block.', {
      fix: 'call stop() only inside a trace, and don’t catch what it throws',
    })
  }
}

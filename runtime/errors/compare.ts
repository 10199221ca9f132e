import { OnnsightError } from './error.ts'

/** The two models can’t run on the same inputs. */
export class CompareInputsError extends OnnsightError {
  static readonly code = 'compare-inputs'
  constructor(message: string, fix: string, cause?: unknown) {
    super(CompareInputsError.code, message, { fix, cause })
  }
}

/** The outputs of the two models can’t be compared: their vocabularies or dims differ, or there is no output of floats. */
export class CompareOutputsError extends OnnsightError {
  static readonly code = 'compare-outputs'
  constructor(message: string, fix: string) {
    super(CompareOutputsError.code, message, { fix })
  }
}

/** No module of one model has a partner in the other, or nearly all partners compute something else. */
export class CompareUnrelatedError extends OnnsightError {
  static readonly code = 'compare-unrelated'
  constructor(message: string, fix: string) {
    super(CompareUnrelatedError.code, message, { fix })
  }
}

/** The output of the first model, with which the second is compared, has NaN or infinite values. */
export class CompareNanError extends OnnsightError {
  static readonly code = 'compare-nan'
  constructor(output: string, input: string, where: string | undefined) {
    super(
      CompareNanError.code,
      `The output ${output} of the first model is NaN or infinite for ${input}${where === undefined ? '' : `; the first module that gives such values is ${where}`}.`,
      { fix: 'give a model that works as the first one, or inputs that it is made for' },
    )
  }
}

import { OnnsightError } from './error.ts'

/** A folder that no language model can be loaded from as it is. */
export class LanguageModelError extends OnnsightError {
  static readonly code = 'language-model'
  constructor(message: string, fix: string, cause?: unknown) {
    super(LanguageModelError.code, message, { fix, cause })
  }
}

/** A model of the Hugging Face hub that can't be had. */
export class HubError extends OnnsightError {
  static readonly code = 'hub'
  constructor(message: string, fix: string, cause?: unknown) {
    super(HubError.code, message, { fix, cause })
  }
}

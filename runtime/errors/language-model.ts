import { OnnsightError } from './error.ts'

/** Thrown for a folder from which no language model can be loaded. */
export class LanguageModelError extends OnnsightError {
  static readonly code = 'language-model'
  constructor(message: string, fix: string, cause?: unknown) {
    super(LanguageModelError.code, message, { fix, cause })
  }
}

/** Thrown for a model of the Hugging Face hub that can't be downloaded. */
export class HubError extends OnnsightError {
  static readonly code = 'hub'
  constructor(message: string, fix: string, cause?: unknown) {
    super(HubError.code, message, { fix, cause })
  }
}

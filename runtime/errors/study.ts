import { OnnsightError } from './error.ts'

/** A study was asked for a part that this model does not have, or for prompts and answers that it can't work with. */
export class StudyError extends OnnsightError {
  static readonly code = 'study'
  constructor(study: string, message: string, fix: string) {
    super(StudyError.code, `${study}: ${message}`, { fix })
  }
}

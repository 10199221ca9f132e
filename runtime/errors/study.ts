import { OnnsightError } from './error.ts'

/** The model has no part of the kind that the study needs, or the study can’t work with these prompts and answers. */
export class StudyError extends OnnsightError {
  static readonly code = 'study'
  constructor(study: string, message: string, fix: string) {
    super(StudyError.code, `${study}: ${message}`, { fix })
  }
}

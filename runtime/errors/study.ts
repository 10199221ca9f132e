import { OnnsightError } from './error.ts'

/** Thrown if the model lacks a part that the study needs, or if the study can’t work with these prompts and answers. */
export class StudyError extends OnnsightError {
  static readonly code = 'study'
  constructor(study: string, message: string, fix: string) {
    super(StudyError.code, `${study}: ${message}`, { fix })
  }
}

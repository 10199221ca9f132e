import { OnnsightError, type SourcePosition } from './error.ts'

/** A template that can't be read: at run time, where the macro has not checked it before. */
export class TemplateSyntaxError extends OnnsightError {
  static readonly code = 'template-syntax'
  constructor(message: string, at: SourcePosition, fix?: string) {
    super(TemplateSyntaxError.code, `This template can't be read: ${message}.`, { at, ...(fix ? { fix } : {}) })
  }
}

/** A template that can be read, but means nothing with this model and these values. */
export class TemplateError extends OnnsightError {
  static readonly code = 'template'
  constructor(message: string, fix: string, at?: SourcePosition) {
    super(TemplateError.code, message, { at, fix })
  }
}

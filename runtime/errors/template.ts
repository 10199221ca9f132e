import { OnnsightError, type SourcePosition } from './error.ts'

/** Thrown at run time for a template that can't be parsed, if the macro has not checked it before. */
export class TemplateSyntaxError extends OnnsightError {
  static readonly code = 'template-syntax'
  constructor(message: string, at: SourcePosition, fix?: string) {
    super(TemplateSyntaxError.code, `This template can't be read: ${message}.`, { at, ...(fix ? { fix } : {}) })
  }
}

/** Thrown for a template that can be parsed, but that has no meaning with this model and these values. */
export class TemplateError extends OnnsightError {
  static readonly code = 'template'
  constructor(message: string, fix: string, at?: SourcePosition) {
    super(TemplateError.code, message, { at, fix })
  }
}

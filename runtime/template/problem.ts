/** A problem while a template runs. The interpreter turns it into a TemplateError at the place that it is running. */
export class TemplateProblem extends Error {
  readonly fix: string
  constructor(message: string, fix: string) {
    super(message)
    this.fix = fix
  }
}

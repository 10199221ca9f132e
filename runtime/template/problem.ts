/** What a template asks for and can't have: becomes a TemplateError at the place that is being read. */
export class TemplateProblem extends Error {
  readonly fix: string
  constructor(message: string, fix: string) {
    super(message)
    this.fix = fix
  }
}

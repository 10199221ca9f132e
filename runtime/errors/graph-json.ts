import { OnnsightError } from './error.ts'

export class InvalidInterventionGraphError extends OnnsightError {
  static readonly code = 'invalid-intervention-graph'
  constructor(where: string, reason: string) {
    super(InvalidInterventionGraphError.code, `This intervention graph can't be run: ${where} ${reason}.`, {
      fix: 'record it again with model.record(), with this version of onnsight and the same model',
    })
  }
}

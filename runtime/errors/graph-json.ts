import { OnnsightError } from './error.ts'

export class InvalidInterventionGraphError extends OnnsightError {
  static readonly code = 'invalid-intervention-graph'
  constructor(where: string, reason: string) {
    super(
      InvalidInterventionGraphError.code,
      `This is no intervention graph that can be run here: ${where} ${reason}.`,
      {
        fix: 'record it again with model.record(), by this version of onnsight and on the same model',
      },
    )
  }
}

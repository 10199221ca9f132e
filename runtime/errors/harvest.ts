import { OnnsightError } from './error.ts'

/** A harvest can't be made as it was asked for: places, sources and the folder do not fit the model, or each other. */
export class HarvestError extends OnnsightError {
  static readonly code = 'harvest'
  constructor(message: string, fix: string, cause?: unknown) {
    super(HarvestError.code, message, { fix, cause })
  }
}

/** The folder holds the shards of another harvest, so going on would mix the two. */
export class OtherHarvestError extends OnnsightError {
  static readonly code = 'other-harvest'
  constructor(folder: string, what: string) {
    super(OtherHarvestError.code, `${folder} holds a harvest with another ${what}, so this one can’t go on there.`, {
      fix: 'choose an empty folder, or repeat the options of the harvest that lies there',
    })
  }
}

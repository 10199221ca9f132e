import { statSync } from 'node:fs'
import { OnnsightError } from '../../runtime/errors/error.ts'
import { Refusal } from '../server/refusal.ts'

/** Remembers the model’s file as it was when it was opened, because weights are read from it later too. */
export class ModelFile {
  readonly #path: string
  readonly #opened: string | undefined

  constructor(path: string) {
    this.#path = path
    this.#opened = stateOf(path)
  }

  /** The reason why a run failed, if a file of the model is gone or has changed. */
  explained(error: unknown): unknown {
    if (error instanceof Refusal || error instanceof OnnsightError) return error
    const [, missing] = /External data path does not exist: "(.+)"/.exec(String(error)) ?? []
    const state = stateOf(this.#path)
    if (missing !== undefined || state === undefined)
      return new Refusal(
        410,
        'view-model-gone',
        `${missing ?? this.#path} is not there any more, and weights are read from it.`,
        'put it back, or end the command and start it with the model where it is now',
      )
    if (state === this.#opened) return error
    return new Refusal(
      410,
      'view-model-changed',
      `${this.#path} is not the file any more that was opened.`,
      'end the command, and start it again',
    )
  }
}

/** Undefined if there is no such file. */
function stateOf(path: string): string | undefined {
  const state = statSync(path, { throwIfNoEntry: false })
  return state && `${state.size} ${state.mtimeMs}`
}

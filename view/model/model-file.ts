import { statSync } from 'node:fs'
import { OnnsightError } from '../../runtime/errors/error.ts'
import { Refusal } from '../server/refusal.ts'

/** Notices that the model’s file changed after it was opened, because weights are still read from it. */
export class ModelFile {
  readonly #path: string
  readonly #opened: string | undefined

  constructor(path: string) {
    this.#path = path
    this.#opened = stateOf(path)
  }

  /** Replaces the error of a failed run by one that says so, if a file of the model is missing or has changed. */
  explain(error: unknown): unknown {
    if (error instanceof Refusal || error instanceof OnnsightError) return error
    const [, missing] = /External data path does not exist: "(.+)"/.exec(String(error)) ?? []
    const state = stateOf(this.#path)
    if (missing !== undefined || state === undefined)
      return new Refusal(
        410,
        'view-model-gone',
        `${missing ?? this.#path} no longer exists, but weights are read from it.`,
        'put it back, or start the command again with the path where the model is now',
      )
    if (state === this.#opened) return error
    return new Refusal(
      410,
      'view-model-changed',
      `${this.#path} has changed since it was opened.`,
      'start the command again',
    )
  }
}

/** The size and date of a file; undefined if there is no such file. */
function stateOf(path: string): string | undefined {
  const state = statSync(path, { throwIfNoEntry: false })
  return state && `${state.size} ${state.mtimeMs}`
}

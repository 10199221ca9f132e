import { type Model, type Tensor, tensor } from 'onnsight'
import type { Case } from './case.ts'
import { difference, distance } from './compare.ts'
import { Evaluator, sweepPasses } from './evaluate.ts'
import { parseSafetensors } from './safetensors.ts'

/** The files that cases name. */
export interface CaseFiles {
  load(model: string): Promise<Model>
  read(file: string): Promise<Uint8Array>
}

export type Outcome = { readonly off: number; readonly failure?: undefined } | { readonly failure: string }

/** Runs cases through the public API, in Node and in a browser, and compares the results with the stored values. */
export class CaseRunner {
  readonly #files: CaseFiles
  readonly #models = new Map<string, Promise<Model>>()
  readonly #tensors = new Map<string, Promise<Map<string, Tensor>>>()

  constructor(files: CaseFiles) {
    this.#files = files
  }

  /** Runs a case. Returns what is wrong, or the largest error of its results, as a share of the largest value. */
  async attempt(entry: Case): Promise<Outcome> {
    try {
      const results = await this.#run(entry)
      const tensors = await this.#tensorsOf(entry)
      let off = 0
      for (const [name, key] of Object.entries(entry.expect)) {
        const [got, expected] = [await numbersOf(results[name]), await numbersOf(tensors.get(key)!)]
        const problem = difference(got, expected, entry.tolerance)
        if (problem) return { failure: `${name}: ${problem}` }
        off = Math.max(off, distance(got, expected))
      }
      return { off }
    } catch (error) {
      return { failure: error instanceof Error ? error.message : String(error) }
    }
  }

  async release(): Promise<void> {
    for (const model of this.#models.values()) await (await model).release()
  }

  async #run(entry: Case): Promise<Record<string, Tensor>> {
    const evaluator = new Evaluator(await this.#modelOf(entry), await this.#tensorsOf(entry))
    if (entry.generate) return evaluator.generate(entry.inputs, entry.edits ?? [], entry.generate.tokens)
    if (entry.gradients) return evaluator.gradients(entry.inputs, entry.edits ?? [], entry.gradients)
    if (!entry.sweep) return evaluator.run(entry.inputs, entry.edits ?? [], entry.reads ?? {})
    const values: number[] = []
    for (const { edits, measure } of sweepPasses(entry)) {
      const { value } = await evaluator.run(entry.inputs, [...(entry.edits ?? []), ...edits], { value: measure })
      values.push(Number(value.item()))
    }
    return { table: tensor(values, { dims: Object.values(entry.sweep.over) }) }
  }

  #modelOf({ model }: Case): Promise<Model> {
    let loaded = this.#models.get(model)
    if (!loaded) {
      loaded = this.#files.load(model)
      this.#models.set(model, loaded)
    }
    return loaded
  }

  #tensorsOf({ file }: Case): Promise<Map<string, Tensor>> {
    let tensors = this.#tensors.get(file)
    if (!tensors) {
      tensors = this.#files.read(file).then(parseSafetensors)
      this.#tensors.set(file, tensors)
    }
    return tensors
  }
}

/** Converts float16, which is held as bits, to float32, so that elements can be compared. */
async function numbersOf(value: Tensor): Promise<Tensor> {
  return value.type === 'float16' ? value.to('float32').value() : value
}

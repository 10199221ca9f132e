import type { Inputs } from '../../runtime/index.ts'
import type { Language } from '../../runtime/language-inputs/language.ts'
import { type SteeringVector, steeringVector } from '../../study/steering.ts'
import type { GeneratePart, ModelDescription, SteerRequest } from '../protocol/api.ts'
import { Refusal } from '../server/refusal.ts'
import { sendGenerated } from './generate.ts'
import type { TraceTarget } from './template-trace.ts'

/** Generates with a steering vector. It keeps the last vector, so that another strength needs no further runs of the texts. */
export class Steerer {
  readonly #description: ModelDescription
  readonly #language: Language | undefined
  #last: { readonly key: string; readonly vector: SteeringVector } | undefined

  constructor(description: ModelDescription, language: Language | undefined) {
    this.#description = description
    this.#language = language
  }

  /** Sends the text while it is generated, and then the tokens. @throws Refusal, StudyError */
  async view(
    target: TraceTarget,
    inputs: Inputs,
    request: SteerRequest,
    send: (part: GeneratePart) => void,
  ): Promise<void> {
    const { logits } = this.#description
    const language = this.#language
    if (logits === undefined || !language)
      throw new Refusal(422, 'view-steer', 'Steering needs a model of texts with logits.', 'look at another tab')
    const vector = await this.#vector(target, language, request)
    const model = vector.apply(target.model, request.strength)
    await sendGenerated({ ...target, model }, inputs, request, { side: 'edited', logits, language }, send)
  }

  async #vector(
    { model, options }: TraceTarget,
    language: Language,
    { towards, away, layer }: SteerRequest,
  ): Promise<SteeringVector> {
    const key = JSON.stringify([towards, away, layer])
    if (this.#last?.key === key) return this.#last.vector
    const [positive, negative] = [towards, away].map(texts => texts.map(text => [...language.encodeRow(text)]))
    const vector = await steeringVector(model, { positive, negative, layer, ...options })
    this.#last = { key, vector }
    return vector
  }
}

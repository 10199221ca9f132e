import type { TensorData } from '../tensor/dtypes/data.ts'
import { Tensor } from '../tensor/tensor.ts'
import { checkOption, isCount, isNumber } from './check-option.ts'
import type { Endings, FinishReason } from './endings.ts'
import { type History, type ScoreSettings, Scores } from './scores.ts'
import type { Chosen, Found, Search } from './search.ts'
import { unknownVocabulary } from './unknown-vocabulary.ts'

/** A search over several continuations of each prompt at once. */
export interface BeamOptions {
  /** How many continuations of each prompt the search follows. It returns the best ones. @default 1: each step takes one token */
  readonly numBeams?: number
  /** A beam's score is divided by its length to this power: above 0 favours long texts, below 0 short ones. @default 1 */
  readonly lengthPenalty?: number
  /**
   * When a prompt is done: `true` as soon as it has `numBeams` ended texts; `false` when a longer one is unlikely to be better; `'never'`
   * when none can be better. @default false
   */
  readonly earlyStopping?: boolean | 'never'
}

export const BEAM_OPTIONS = ['numBeams', 'lengthPenalty', 'earlyStopping'] as const

/** @throws GenerateError for options that make no sense */
export function checkBeams({ numBeams, lengthPenalty, earlyStopping }: BeamOptions): void {
  checkOption('numBeams', numBeams, isCount, 'a whole number above 0')
  checkOption('lengthPenalty', lengthPenalty, isNumber, 'a number')
  checkOption('earlyStopping', earlyStopping, value => [true, false, 'never'].includes(value), "true, false or 'never'")
}

export interface BeamSetup {
  readonly beams: number
  readonly lengthPenalty: number
  readonly earlyStopping: boolean | 'never'
  readonly scores: ScoreSettings
  readonly endings: Endings
  readonly prompts: number
  /** How many continuations of each prompt the search returns. */
  readonly sequences: number
  readonly maxNewTokens: number
}

/** A continuation of a beam by one token, which the search may follow. */
interface Candidate {
  readonly token: number
  readonly beam: number
  readonly score: number
  readonly reason: FinishReason | undefined
}

interface Finished {
  readonly added: readonly number[]
  readonly score: number
  readonly reason: FinishReason | undefined
}

/** A number below any sum of log probabilities. */
const LOWEST = -1e9

/**
 * The beam search of Hugging Face transformers (`_beam_search` in `generation/utils.py`). The step's graph finds the best continuations;
 * this class decides which of them go on, and which are kept as ended.
 */
export class BeamSearch implements Search {
  readonly rowsPerPrompt: number
  readonly rowsGoOn = false
  readonly #setup: BeamSetup
  readonly #scores: Scores
  /** The sum of the log probabilities of each row's beam. The graph adds those of the step's tokens to it. */
  readonly #running: Float32Array
  readonly #finished: Finished[][]
  #vocabulary = 0
  #isOver = false
  /** For each prompt: whether a text that is better than its ended ones can still be found. */
  readonly #canImprove: boolean[]

  constructor(setup: BeamSetup) {
    const { beams, prompts, scores, endings } = setup
    this.rowsPerPrompt = beams
    this.#setup = setup
    this.#scores = new Scores(scores, endings.tokens, prompts * beams)
    // At first all beams of a prompt are the same: only one of them counts.
    this.#running = Float32Array.from({ length: prompts * beams }, (_, row) => (row % beams === 0 ? 0 : LOWEST))
    this.#finished = Array.from({ length: prompts }, () =>
      new Array<Finished>(beams).fill({ added: [], score: LOWEST, reason: undefined }),
    )
    this.#canImprove = new Array(prompts).fill(true)
  }

  /** How many candidates the graph returns: enough that `beams` of them go on, whichever of them end. */
  #kept(vocabulary: number): number {
    const { beams, endings } = this.#setup
    return Math.min(Math.max(2, 1 + endings.tokens.size) * beams, beams * vocabulary)
  }

  record(logits: Tensor, vocabulary: number | undefined): Record<string, Tensor> {
    if (vocabulary === undefined) throw unknownVocabulary()
    const { beams, prompts } = this.#setup
    const likely = logits.to('float32').logSoftmax(-1)
    const scores = this.#scores.isActive ? this.#scores.record(likely, vocabulary) : likely
    const running = Tensor.of({ type: 'float32', dims: [prompts * beams, 1], data: this.#running })
    const sums = scores.add(running).reshape([prompts, beams * vocabulary])
    const { values, indices } = sums.topk(this.#kept(vocabulary))
    this.#vocabulary = vocabulary
    return { values, indices }
  }

  prepare(_step: number, rows: readonly History[]): void {
    if (this.#scores.isActive) this.#scores.prepare(rows)
  }

  choose({ values, indices }: Readonly<Record<string, TensorData>>, rows: readonly History[]): Chosen {
    const { beams, prompts, earlyStopping } = this.#setup
    const kept = values.data.length / prompts
    const chosen: Candidate[] = []
    let allEnded = true
    for (let prompt = 0; prompt < prompts; prompt++) {
      const candidates = Array.from({ length: kept }, (_, i): Candidate => {
        const at = prompt * kept + i
        const index = Number(indices.data[at])
        const [token, beam] = [index % this.#vocabulary, Math.floor(index / this.#vocabulary)]
        const row = rows[prompt * beams + beam]
        const reason = this.#reasonOf({ prompt: row.prompt, added: [...row.added, token] })
        return { token, beam, score: Number(values.data[at]), reason }
      })
      allEnded &&= candidates.every(({ reason }) => reason)
      this.#keepEnded(prompt, candidates, rows)
      const going = this.#going(candidates)
      going.forEach(({ score }, i) => {
        this.#running[prompt * beams + i] = score
      })
      chosen.push(...going.map(candidate => ({ ...candidate, beam: candidate.beam + prompt * beams })))
      this.#canImprove[prompt] &&= this.#mayImprove(prompt, rows[0].added.length + 1)
    }
    const isFull = earlyStopping === true && this.#finished.every(isWhole)
    this.#isOver = !this.#canImprove.some(Boolean) || isFull || allEnded
    return { tokens: chosen.map(({ token }) => token), parents: chosen.map(({ beam }) => beam) }
  }

  isOver(): boolean {
    return this.#isOver
  }

  #reasonOf(row: History): FinishReason | undefined {
    const { endings, maxNewTokens } = this.#setup
    return endings.reasonOf(row) ?? (row.added.length >= maxNewTokens ? 'length' : undefined)
  }

  /**
   * The continuations that the search follows: the best that have not ended. If these are too few, ended ones take the remaining places,
   * with scores below all others.
   */
  #going(candidates: readonly Candidate[]): Candidate[] {
    const lowered = candidates.map(one => (one.reason ? { ...one, score: one.score + LOWEST } : one))
    return lowered.sort((a, b) => b.score - a.score).slice(0, this.#setup.beams)
  }

  #keepEnded(prompt: number, candidates: readonly Candidate[], rows: readonly History[]): void {
    const { beams, lengthPenalty, earlyStopping } = this.#setup
    const before = this.#finished[prompt]
    if (!this.#canImprove[prompt] || (earlyStopping === true && isWhole(before))) return
    // Only the first `beams` candidates count as ended texts. The later ones are there to go on if the first ones end.
    const ended = candidates.slice(0, beams).flatMap(({ token, beam, score, reason }): Finished[] => {
      if (!reason) return []
      const added = [...rows[prompt * beams + beam].added, token]
      return [{ added, score: Math.fround(score / added.length ** lengthPenalty), reason }]
    })
    this.#finished[prompt] = [...before, ...ended].sort((a, b) => b.score - a.score).slice(0, beams)
  }

  /** Whether the best beam that goes on could get a better score than the worst ended text. */
  #mayImprove(prompt: number, length: number): boolean {
    const { beams, lengthPenalty, earlyStopping, maxNewTokens } = this.#setup
    const finished = this.#finished[prompt]
    const hypothetical = earlyStopping === 'never' && lengthPenalty > 0 ? maxNewTokens : length
    const best = this.#running[prompt * beams] / hypothetical ** lengthPenalty
    const worst = isWhole(finished) ? Math.min(...finished.map(({ score }) => score)) : LOWEST
    return best > worst
  }

  /** The best ended texts of each prompt. If these are too few because generation was stopped, the beams with the best sums so far follow. */
  found(rows: readonly History[], ended: FinishReason): Found[] {
    const { beams, sequences } = this.#setup
    return this.#finished.flatMap((finished, prompt) => {
      const own = rows.slice(prompt * beams, (prompt + 1) * beams)
      const whole = finished.flatMap(({ added, reason }) =>
        reason ? [{ prompt: own[0].prompt, added, finishReason: reason }] : [],
      )
      const going = own.map(row => ({ ...row, finishReason: ended }))
      return [...whole, ...going].slice(0, sequences)
    })
  }
}

const isWhole = (finished: readonly Finished[]): boolean => finished.every(({ reason }) => reason)

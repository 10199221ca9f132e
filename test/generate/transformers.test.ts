import { readFileSync } from 'node:fs'
import test from 'ava'
import { type GenerateOptions, LanguageModel, type Tensor, tensor } from 'onnsight'
import { narrowed } from '#dist/runtime/generate/draw.js'

// Compares with what Hugging Face transformers generates from the same weights: test/reference/make_generation.py.

type Reference = Readonly<Record<string, unknown>>
interface Case {
  readonly prompts: number[][]
  readonly options: Reference
  readonly new: number[][]
  readonly text: string[]
}
const reference = JSON.parse(readFileSync('test/reference/generation.json', 'utf8')) as {
  readonly cases: Readonly<Record<string, Case>>
  readonly rows: number[][]
  readonly scores: Readonly<Record<string, { readonly options: object; readonly after: (number | null)[][] }>>
}

const camelCase: Readonly<Record<string, string>> = { bad_words_ids: 'badWords', num_return_sequences: 'numSequences' }
const optionsOf = (theirs: Reference): GenerateOptions =>
  Object.fromEntries(
    Object.entries(theirs).map(([name, value]) => [
      camelCase[name] ?? name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase()),
      value,
    ]),
  )

let model!: LanguageModel
test.before(async () => {
  model = await LanguageModel.load('test/fixtures/models/verse')
})
test.after.always(async () => model?.release())

const rows = (ids: Tensor): number[][] => (ids.tolist() as bigint[][]).map(row => row.map(Number))

for (const [name, { prompts, options, new: due, text: texts }] of Object.entries(reference.cases))
  test(`transformers’ tokens: ${name}`, async t => {
    const settings = { eosTokenId: [], ...optionsOf(options), padTokenId: 1 }
    const { ids, finishReason, text } = await model.generate(prompts, settings)
    const width = Math.max(...prompts.map(row => row.length))
    t.deepEqual(
      rows(ids).map(row => row.slice(width)),
      due,
    )
    const ends = [options.eos_token_id ?? []].flat() as unknown[]
    const stops = [options.stop_strings ?? []].flat() as string[]
    const isStopped = (texts: string): boolean => stops.some(stop => texts.includes(stop))
    t.deepEqual(
      finishReason,
      due.map((row, i) =>
        ends.includes(row.filter(id => id !== 1).at(-1)) ? 'eos' : isStopped(texts[i]) ? 'stop' : 'length',
      ),
    )
    t.deepEqual(
      text,
      texts.map(whole => whole.slice(0, Math.min(whole.length, ...stops.map(stop => `${whole}${stop}`.indexOf(stop))))),
    )
    if (name !== 'greedy' && prompts.length === 1)
      t.notDeepEqual(due, reference.cases.greedy.new, 'the option changes nothing')
  })

for (const [name, { options, after }] of Object.entries(reference.scores))
  test(`transformers’ scores: ${name}`, async t => {
    const before = tensor(reference.rows)
    const got = (await narrowed(before, options, reference.rows[0].length).value()).tolist() as number[][]
    for (const [i, row] of got.entries())
      for (const [token, score] of row.entries()) {
        const due = after[i][token] ?? Number.NEGATIVE_INFINITY
        t.true(score === due || Math.abs(score - due) < 1e-4, `row ${i}, token ${token}: ${score}, ${due}`)
      }
    t.true(after.flat().some((score, i) => score !== reference.rows.flat()[i]))
  })

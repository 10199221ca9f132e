import { readFileSync } from 'node:fs'
import test from 'ava'
import fc from 'fast-check'
import { at, invoke, LanguageModel, template } from 'onnsight'
import { many } from '../many.ts'
import { near } from '../near.ts'
import { metaspace, wordPiece } from './tokenizers.ts'

const folder = 'test/fixtures/models/verse'
const model = await LanguageModel.load(folder)
const uncased = await LanguageModel.load(`${folder}/onnx/model.onnx`, { tokenizer: wordPiece })
const marked = await LanguageModel.load(`${folder}/onnx/model.onnx`, { tokenizer: metaspace })
test.after.always(() => Promise.all([model.release(), uncased.release(), marked.release()]))

const { texts } = JSON.parse(readFileSync('test/fixtures/verse/texts.json', 'utf8')) as {
  readonly texts: readonly { readonly text: string; readonly ids: readonly number[] }[]
}
const prompt = 'First Citizen: in 1599 we are at Paris, and at 42 in Paris.'

test('tokens have the ids, and their spans cover the text', t => {
  for (const { text, ids } of texts.filter(({ ids }) => ids.length > 0)) {
    const tokens = model.tokens(text)
    t.deepEqual([...tokens.ids], [...ids])
    t.is(tokens.text, text)
    let end = 0
    for (const token of tokens) {
      // Each part of a character has the span of the whole character.
      t.true(token.start === end || token.end === end, text)
      if (token.text === text.slice(token.start, token.end)) t.is(token.start, end)
      end = token.end
    }
    t.is(end, text.length)
  }
})

test('any text: spans follow each other and cover it', t => {
  t.notThrows(() =>
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 }), text => {
        const tokens = [...model.tokens(text)]
        return (
          tokens[0].start === 0 &&
          tokens.at(-1)!.end === text.length &&
          tokens.every(
            ({ start, end }, i) =>
              end > start && (i === 0 || start === tokens[i - 1].end || start === tokens[i - 1].start),
          )
        )
      }),
      { numRuns: many(300) },
    ),
  )
})

test('tokens print with their positions and ids', t => {
  t.is(String(model.tokens('ROMEO:\nWhat')), '0  860  "ROMEO"\n1   60  ":"\n2   12  "\\n"\n3  464  "What"')
  t.deepEqual(
    model.tokens(['ROMEO', 'What']).map(({ length }) => length),
    [1, 1],
  )
})

test('positions by number, text, pattern and range of characters', t => {
  const tokens = model.tokens(prompt)
  const spelled = (positions: readonly number[]) => positions.map(position => tokens.strings[position]).join('')
  t.is(tokens.at(-1), tokens.length - 1)
  t.true(spelled(tokens.at(' Paris', 'all')).startsWith(' Paris'))
  t.true(tokens.at(' Paris', 'last') > tokens.at(' Paris'))
  t.is(spelled(tokens.at(/\d+/, 'all')).replaceAll(' ', ''), '159942')
  t.is(spelled(tokens.at([0, 5], 'all')), 'First')
  for (const place of ['Rome', /[A-Z]{3}/, 400, -400, 1.5, [900, 910]] as const)
    t.throws(() => tokens.at(place), { code: 'position', message: /Do this/ }, String(place))
})

test('positions in texts that a tokenizer changes', t => {
  const bert = uncased.tokens('The Eiffel Tower is in Paris, 1999.')
  t.is(bert.text, 'The Eiffel Tower is in Paris, 1999.')
  t.deepEqual(bert.strings.slice(0, 3), ['[CLS]', 'the', 'eiffel'])
  t.is(bert.at('Eiffel'), 2)
  t.deepEqual(bert.at('Paris', 'all'), [6, 7])
  t.deepEqual(bert.at(/\d+/, 'all'), [9, 10])
  const llama = marked.tokens('The Eiffel Tower is in Paris')
  t.deepEqual(llama.at('Eiffel', 'all'), [1, 2, 3])
  t.is(llama.at('Paris'), llama.length - 1)
  t.is(llama.text, 'The Eiffel Tower is in Paris')
})

test('at() is an index of the axis of tokens in a block', async t => {
  const tokens = model.tokens(prompt)
  const [rows, one, last, all] = await model.trace(prompt, m => {
    const h = m.model.layers[1].mlp.output
    return [h, h.slice([0, at(' Paris')]), h.slice([0, at(-1)]), h.slice([0, at(/\d+/, 'all')])]
  })
  t.true(near(one, await rows.slice([0, tokens.at(' Paris')]).value(), 0))
  t.true(near(last, await rows.slice('0, -1').value(), 0))
  t.true(near(all, await rows.slice([0, tokens.at(/\d+/, 'all')]).value(), 0))
  t.deepEqual(all.axes?.[0].labels?.join('').match(/\d/g)?.join(''), '159942')
})

test('at() counts in the padded batch, and in an invoke in its own prompt', async t => {
  const short = 'Now Paris'
  const padded = await model.trace([short, short], m => m.model.layers[1].mlp.output.slice([1, at('Now')]))
  const [long, own] = await model.trace(() => [
    invoke(prompt, () => model.model.layers[1].mlp.output.slice([0, at('First')])),
    invoke(short, () => model.model.layers[1].mlp.output.slice([0, at('Now')])),
  ])
  const alone = await model.trace(short, m => m.model.layers[1].mlp.output.slice([0, at('Now')]))
  t.true(near(own as never, alone))
  t.true(near(padded, alone))
  t.false(near(long as never, alone))
  const both = model.trace([prompt, short], m => m.model.layers[1].mlp.output.slice([{}, at('Paris')]))
  await t.throwsAsync(both, { code: 'position', message: /of prompt 0, and at \d+ of prompt 1[\s\S]*invoke/ })
  // Left padding moves the short prompt to the end: the last token is in the last column of both.
  const ends = await model.trace([prompt, short], m => m.model.layers[1].mlp.output.slice([{}, at(-1)]))
  const end = await model.trace(short, m => m.model.layers[1].mlp.output.slice([0, -1]))
  t.true(near(await ends.slice('1').value(), end))
})

test('at() outside a trace says what to use there', t => {
  t.throws(() => at('Paris'), { code: 'position', message: /model\.tokens\(prompt\)\.at/ })
})

test('a position from tokens() goes into a template', async t => {
  const position = model.tokens(prompt).at(' Paris')
  const { h } = await model.trace(prompt, template`save h = model.layers[1].mlp.output[0, ${position}]`)
  t.true(near(h, await model.trace(prompt, m => m.model.layers[1].mlp.output.slice([0, at(' Paris')])), 0))
})

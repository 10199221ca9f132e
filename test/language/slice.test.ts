import test from 'ava'
import fc from 'fast-check'
import { parseSlice, type SliceItem, SliceSyntaxError } from '../../language/slice.ts'

const read: Record<string, [pieces: string[], items: SliceItem[]]> = {
  'a whole axis': [[':'], [{ kind: 'range' }]],
  'indices and ranges': [
    ['1, -1, 2:5, ::2, 7::-1, :3'],
    [
      { kind: 'index', value: 1 },
      { kind: 'index', value: -1 },
      { kind: 'range', start: 2, stop: 5 },
      { kind: 'range', step: 2 },
      { kind: 'range', start: 7, step: -1 },
      { kind: 'range', stop: 3 },
    ],
  ],
  'dots, None and lists': [
    ['..., None, [0, 2, -1]'],
    [{ kind: 'ellipsis' }, { kind: 'newaxis' }, { kind: 'list', values: [0, 2, -1] }],
  ],
  'a mask in the text': [['[True, False]'], [{ kind: 'mask', values: [true, false] }]],
  holes: [
    ['', ', ', ':', ', [1, ', ']'],
    [
      { kind: 'value', hole: 0 },
      { kind: 'range', start: { hole: 1 }, stop: { hole: 2 } },
      { kind: 'list', values: [1, { hole: 3 }] },
    ],
  ],
  'a step from a hole': [['::', ''], [{ kind: 'range', step: { hole: 0 } }]],
  'a trailing comma and lines': [
    [' 0 ,\n  1,\n'],
    [
      { kind: 'index', value: 0 },
      { kind: 'index', value: 1 },
    ],
  ],
}

for (const [name, [pieces, items]] of Object.entries(read))
  test(`read: ${name}`, t => t.deepEqual(parseSlice(pieces), items))

const refused: Record<string, [pieces: string[], piece: number, offset: number, message: RegExp]> = {
  'empty text': [[''], 0, 0, /empty/],
  'only blanks': [['  '], 0, 2, /empty/],
  'a zero step': [['0, ::0'], 0, 5, /a step can’t be 0/],
  'a zero step with a sign': [['::-0'], 0, 2, /a step can’t be 0/],
  'two dots': [['..., 1, ...'], 0, 8, /at most one \.\.\./],
  'a word': [[':, foo'], 0, 3, /found foo; a slice takes numbers, ranges/],
  'a fraction': [['1.5'], 0, 0, /found "1\.5"; a slice takes whole numbers/],
  'a stray sign': [[': ; 1'], 0, 2, /found ";"; a slice takes/],
  'no comma': [['1 2'], 0, 2, /found 2, but expected , or the end/],
  'two commas': [['1,,2'], 0, 2, /found ,/],
  'an open list': [['[0, 2'], 0, 5, /found the end in a list/],
  'a mixed list': [['[0, True]'], 0, 9, /either indices or True and False/],
  'four parts': [['1:2:3:4'], 0, 5, /found :/],
  'two holes side by side': [['', '', ''], 2, 0, /found \$\{…\}/],
  'behind a hole': [[':, ', ' x'], 1, 1, /found x/],
}

for (const [name, [pieces, piece, offset, message]] of Object.entries(refused)) {
  test(`refused: ${name}`, t => {
    const error = t.throws(() => parseSlice(pieces), { instanceOf: SliceSyntaxError, message }) as SliceSyntaxError
    t.deepEqual([error.piece, error.offset], [piece, offset], error.message)
  })
}

const number = fc.integer({ min: -99, max: 99 })
const part = fc.option(number, { nil: undefined })
const item: fc.Arbitrary<SliceItem> = fc.oneof(
  number.map(value => ({ kind: 'index', value }) as const),
  fc
    .tuple(
      part,
      part,
      fc.option(
        number.filter(step => step !== 0),
        { nil: undefined },
      ),
    )
    .map(
      ([start, stop, step]) =>
        ({
          kind: 'range',
          ...(start === undefined ? {} : { start }),
          ...(stop === undefined ? {} : { stop }),
          ...(step === undefined ? {} : { step }),
        }) as const,
    ),
  fc.constant({ kind: 'newaxis' } as const),
  fc.array(number).map(values => ({ kind: 'list', values }) as const),
  fc.array(fc.boolean(), { minLength: 1 }).map(values => ({ kind: 'mask', values }) as const),
)

function write(from: SliceItem): string {
  if (from.kind === 'index') return String(from.value)
  if (from.kind === 'range')
    return `${from.start ?? ''}:${from.stop ?? ''}${from.step === undefined ? '' : `:${from.step}`}`
  if (from.kind === 'list') return `[${from.values.join(', ')}]`
  if (from.kind === 'mask') return `[${from.values.map(value => (value ? 'True' : 'False')).join(',')}]`
  return from.kind === 'newaxis' ? 'None' : '...'
}

test('what is written is read back', t => {
  fc.assert(
    fc.property(fc.array(item, { minLength: 1 }), items =>
      t.deepEqual(parseSlice([items.map(write).join(', ')]), items),
    ),
  )
})

test('any text is read or refused within it', t => {
  const text = fc.string({ unit: fc.constantFrom(...'01-:,.[] \nNoneTrueFalse${') })
  fc.assert(
    fc.property(fc.array(text, { minLength: 1, maxLength: 4 }), pieces => {
      try {
        parseSlice(pieces)
      } catch (error) {
        if (!(error instanceof SliceSyntaxError)) throw error
        if (error.offset < 0 || error.offset > pieces[error.piece].length) throw error
      }
    }),
  )
  t.pass()
})

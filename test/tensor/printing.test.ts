import { inspect } from 'node:util'
import test from 'ava'
import fc from 'fast-check'
import { arange, tensor, zeros } from 'onnsight'
import { many } from '../many.ts'

/** The lines under the first one, which has dtype and dims. */
const linesOf = (value: unknown): string[] => inspect(value).split('\n').slice(1)

test('columns stand below each other, and all numbers of a tensor have one notation', t => {
  t.deepEqual(
    linesOf(
      tensor([
        [1.5, 22.25],
        [-3, 400],
      ]),
    ),
    ['[[  1.50,  22.25],', ' [ -3.00, 400.00]])'],
  )
  t.deepEqual(
    linesOf(
      tensor([
        [1, 20],
        [-300, 4],
      ]),
    ),
    ['[[   1,   20],', ' [-300,    4]])'],
  )
  t.deepEqual(
    linesOf(
      tensor([
        [true, false],
        [false, true],
      ]),
    ),
    ['[[ true, false],', ' [false,  true]])'],
  )
  t.deepEqual(linesOf(tensor([1.5, Number.NaN, -Infinity])), ['[      1.5,       NaN, -Infinity])'])
  t.deepEqual(linesOf(tensor([0.5, 2e-7])), ['[5.0000e-1, 2.0000e-7])'])
})

test('matrices of one tensor have an empty line between them', t => {
  t.deepEqual(linesOf(zeros([2, 2, 1])), ['[[[0],', '  [0]],', '', ' [[0],', '  [0]]])'])
})

test('a long line goes on under its first element', t => {
  const lines = linesOf(arange(100))
  t.true(lines.length > 1)
  t.true(lines.every(line => line.length <= 80))
  t.true(lines.slice(1).every(line => /^ [ \d]/.test(line)))
})

const numbers = fc.oneof(
  fc.double({ min: -1000, max: 1000, noNaN: true }),
  fc.double({ noNaN: true, min: -1e300, max: 1e300 }),
  fc.integer({ min: -(2 ** 40), max: 2 ** 40 }),
)
const matrices = fc
  .tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 40 }))
  .chain(([rows, columns]) =>
    fc.array(fc.array(numbers, { minLength: columns, maxLength: columns }), { minLength: rows, maxLength: rows }),
  )

test('every number can be read from what is printed, to two digits at least, and no line is wider than the terminal', t => {
  t.notThrows(() =>
    fc.assert(
      fc.property(matrices, rows => {
        const value = tensor(rows, { type: 'float64' })
        const lines = linesOf(value)
        const read = lines
          .join(' ')
          .match(/-?\d[\d.e+-]*/g)!
          .map(Number)
        const off = rows.flat().filter((number, i) => Math.abs(read[i] - number) > 0.051 * Math.abs(number))
        return read.length === rows.flat().length && off.length === 0 && lines.every(line => line.length <= 80)
      }),
      { numRuns: many(100) },
    ),
  )
})

import test from 'ava'
import fc from 'fast-check'
import type { Tensor } from 'onnsight'
import { temporaryFolder } from '../onnx/written.ts'
import type { NumberArray } from './laws/array.ts'
import { evaluate } from './laws/evaluate.ts'
import { Gpt2 } from './laws/gpt2.ts'
import { type Program, programFor } from './laws/program.ts'
import { changed, onlyEdits, open, type Results, release, saveEdited, ways } from './laws/ways.ts'

/** The tolerance, relative to the largest element: float32 sums in another order differ, through all layers. */
const TOLERANCE = 3e-4

function far({ dims, data }: Pick<Tensor, 'dims' | 'data'>, expected: NumberArray): string | undefined {
  if (String(dims) !== String(expected.dims)) return `dims ${dims} in the place of ${expected.dims}`
  const most = expected.data.reduce((max, value) => Math.max(max, Math.abs(value)), 0)
  const at = expected.data.findIndex((value, i) => !(Math.abs(value - Number(data[i])) <= TOLERANCE * (1 + most)))
  return at < 0 ? undefined : `${data[at]} in the place of ${expected.data[at]} at ${at}`
}

function assertSame(what: string, got: Results, expected: readonly (readonly NumberArray[])[]): void {
  for (const [prompt, values] of expected.entries())
    for (const [i, value] of values.entries()) {
      const off = far(got[prompt][i], value)
      if (off) throw new Error(`${what}, prompt ${prompt}, wanted[${i}]: ${off}`)
    }
}

const bits = (results: Results): string =>
  results
    .flat()
    .map(({ data }) => Buffer.from((data as Float32Array).slice().buffer).toString('base64'))
    .join()

const usual = 'in one trace of the edited model'
const others = Object.keys(ways).filter(name => name !== usual)

for (const [name, numRuns] of [
  ['chars', 4],
  ['induction', 8],
] as const) {
  test.serial(
    `${name}: random programs mean what their statements say, however they are recorded, cut, sent, kept and run`,
    async t => {
      t.timeout(300_000)
      const path = `test/fixtures/models/${name}.onnx`
      const gpt2 = new Gpt2(path)
      const opened = await open(path, await temporaryFolder(t))
      t.teardown(() => release(opened))
      const chosen = fc.record({ program: programFor(gpt2), pick: fc.nat(9999) })
      const seen = { moved: 0, ways: new Set<string>() }
      const holds = (first: number) =>
        fc.asyncProperty(chosen, async ({ program, pick }) => {
          const expected = evaluate(gpt2, program)
          const got = await ways[usual](opened, program, pick)
          assertSame(usual, got!, expected)
          if (bits((await ways[usual](opened, program, pick))!) !== bits(got!))
            throw new Error('other bits the second time')
          for (const step of [0, 3, 6]) {
            const way = others[(first + step) % others.length]
            const results = await ways[way](opened, program, pick)
            if (!results) continue
            assertSame(way, results, expected)
            seen.ways.add(way)
          }
          const other = changed(program, [1 + (pick % 2), 4])
          if (other)
            assertSame(
              'with other inputs and numbers',
              (await ways[usual](opened, other, pick))!,
              evaluate(gpt2, other),
            )
          const untouched = evaluate(gpt2, withoutWrites(program))
          if (expected.some((values, i) => values.some((value, j) => far(value as never, untouched[i][j]))))
            seen.moved++
        })
      // Each program begins with another way, so that a few programs go all of them.
      for (let first = 0; first < numRuns; first++) await fc.assert(holds(first), { numRuns: 1 })
      t.true(seen.moved > 0, `none of ${numRuns} programs changed what it read`)
      t.true(seen.ways.size >= 4, [...seen.ways].join())
    },
  )

  test.serial(
    `${name}: the file of random edits, run by onnxruntime alone, gives what the edits say, for inputs of other dims too`,
    async t => {
      t.timeout(300_000)
      const path = `test/fixtures/models/${name}.onnx`
      const gpt2 = new Gpt2(path)
      const opened = await open(path, await temporaryFolder(t), [])
      t.teardown(() => release(opened))
      const programs = programFor(gpt2).filter(({ edits }) => edits.some(statements => statements.some(isWrite)))
      await fc.assert(
        fc.asyncProperty(programs, async program => {
          const file = await saveEdited(opened, program)
          for (const ids of [program.prompts[0].ids, [[5, 6, 7]], [1, 2].map(row => [row, 3, 9, row, 4, 4, 1])]) {
            const [[expected]] = evaluate(gpt2, onlyEdits(program, ids))
            const off = far((await file.run(ids)) as never, expected)
            if (off) throw new Error(`for ${JSON.stringify(ids)}: ${off}`)
          }
          await file.end()
        }),
        { numRuns },
      )
      t.pass()
    },
  )
}

const isWrite = ({ kind }: Program['edits'][number][number]): boolean => /write|set|skip/.test(kind)

function withoutWrites({ prompts, ...program }: Program): Program {
  return {
    ...program,
    edits: [],
    prompts: prompts.map(prompt => ({ ...prompt, statements: prompt.statements.filter(each => !isWrite(each)) })),
  }
}

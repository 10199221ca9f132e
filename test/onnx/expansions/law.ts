import test from 'ava'
import fc from 'fast-check'
import { many } from '../../many.ts'
import { type FusedCase, modelOf, off, run, writtenOut } from './fused.ts'

export const seed = fc.integer({ min: 0, max: 9999 })
export const few = (min: number, max: number) => fc.integer({ min, max })

/** Declares a test that runs each case of the arbitrary in onnxruntime, fused and written out, and compares the results. */
export function law<S>(
  name: string,
  shapes: fc.Arbitrary<S>,
  caseOf: (shape: S) => FusedCase,
  numRuns = 60,
  tolerance = 1e-5,
): void {
  test(`${name}: written out it gives what onnxruntime’s kernel gives, whatever its attributes`, async t => {
    await fc.assert(
      fc.asyncProperty(shapes, async shape => {
        const fused = caseOf(shape)
        const model = modelOf(fused)
        const expected = await run(model, fused)
        const got = await run(writtenOut(model), fused)
        for (const output of fused.outputs.filter(Boolean)) {
          const difference = off(got[output], expected[output])
          if (difference > tolerance) throw new Error(`${output} is off by ${difference}`)
        }
      }),
      { numRuns: many(numRuns) },
    )
    t.pass()
  })
}

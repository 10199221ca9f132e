import type { ExecutionContext } from 'ava'
import * as ort from 'onnxruntime-node'
import type { Outcome } from './project.ts'

/** The JSON that each consumer's program prints. */
interface Printed {
  readonly plain: readonly number[][][]
  readonly edited: readonly number[][][]
}

const ids = [18, 47, 56, 57]

/** The logits of the same input, computed by onnxruntime without onnsight. */
const expected: Promise<readonly number[]> = (async () => {
  const session = await ort.InferenceSession.create('examples/models/chars.onnx')
  const input = new ort.Tensor('int64', BigInt64Array.from(ids, BigInt), [1, ids.length])
  const { logits } = await session.run({ input_ids: input })
  return Array.from(logits.data as Float32Array)
})()

/** The line of JSON among those that a program has printed. */
export function printed(t: ExecutionContext, { stdout, output }: Outcome): Printed & Record<string, unknown> {
  const line = /\{"(?:hidden|plain)".*\}/.exec(stdout)?.[0]
  t.truthy(line, `No result was printed:\n${output}`)
  return JSON.parse(line as string)
}

/** Checks that the logits are onnxruntime's own, and that the edit has changed those of the last position, and no others. */
export async function checkLogits(t: ExecutionContext, outcome: Outcome): Promise<void> {
  const { plain, edited } = printed(t, outcome)
  const difference = (a: readonly number[], b: readonly number[]): number =>
    Math.max(...a.map((value, i) => Math.abs(value - b[i])))
  t.true(difference(plain.flat(2), await expected) < 1e-4)
  const [before, after] = [plain[0], edited[0]]
  t.true(difference(before[3], after[3]) > 0.1)
  for (const row of [0, 1, 2]) t.true(difference(before[row], after[row]) < 1e-4)
}

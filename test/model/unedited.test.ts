import test from 'ava'
import { load, Tensor } from 'onnsight'
import * as ort from 'onnxruntime-node'

/* Tests the statements of docs/parity.md about unedited runs: which have onnxruntime's bits, and which have not. */

const chars = ['chars', 'induction', 'chars-fp16', 'chars-scopes', 'chars-external'].map(
  name => `test/fixtures/models/${name}.onnx`,
)
const verse = ['model', 'model_fp16', 'model_int8', 'model_q4'].map(
  name => `test/fixtures/models/verse/onnx/${name}.onnx`,
)
const ids = [5, 6, 7, 8]
const int64 = (values: readonly number[]) =>
  new ort.Tensor('int64', BigInt64Array.from(values, BigInt), [1, values.length])

/** Runs the file in a session of onnxruntime, with the inputs that onnsight would fill in. */
async function bare(
  file: string,
  inputs: readonly { name: string; type: string; dims?: readonly unknown[] | undefined }[],
) {
  const session = await ort.InferenceSession.create(file, { logSeverityLevel: 4 })
  const feeds: Record<string, ort.Tensor> = {}
  for (const { name, type, dims = [] } of inputs) {
    if (name === 'input_ids') feeds[name] = int64(ids)
    else if (name === 'attention_mask') feeds[name] = int64(ids.map(() => 1))
    else if (name === 'position_ids') feeds[name] = int64(ids.map((_, i) => i))
    else {
      const empty = dims.map(dim => (typeof dim === 'number' ? dim : /batch/.test(String(dim)) ? 1 : 0))
      feeds[name] =
        type === 'float16'
          ? new ort.Tensor('float16', new Uint16Array(0), empty)
          : new ort.Tensor('float32', new Float32Array(0), empty)
    }
  }
  const results = await session.run(feeds)
  await session.release()
  return (name: string): ArrayLike<number> => {
    const { type, data } = results[name]
    if (type !== 'float16') return data as Float32Array
    const { buffer, byteOffset, length } = data as unknown as Uint16Array
    return Tensor.of({ type, dims: [length], data: new Uint16Array(buffer as ArrayBuffer, byteOffset, length) })
      .data as ArrayLike<number>
  }
}

/** The largest difference of all outputs, as a share of the output's largest value. */
async function off(file: string, options: object): Promise<number> {
  const model = await load(file, options)
  const given = await model.run({ input_ids: [ids] })
  const expected = await bare(file, model.signature.inputs)
  await model.release()
  return Math.max(
    ...Object.entries(given).map(([name, tensor]) => {
      const theirs = Array.from(expected(name))
      const largest = Math.max(...theirs.map(Math.abs))
      return Math.max(...Array.from(tensor.data as Float32Array, (x, i) => Math.abs(x - theirs[i]) / largest))
    }),
  )
}

for (const file of [...chars, ...verse]) {
  test.serial(`${file}: whole, and in the groups that it is run in, it gives onnxruntime’s bits`, async t => {
    t.is(await off(file, { blocks: 1 }), 0)
    t.is(await off(file, {}), 0)
  })

  test.serial(`${file}: block by block it gives them too, but for float16, which is rounded at each edge`, async t => {
    const share = await off(file, { groupBytes: 0 })
    if (!file.includes('fp16')) return t.is(share, 0)
    t.true(share > 0 && share < 1e-3, `${share}`)
  })
}

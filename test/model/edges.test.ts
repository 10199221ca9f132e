import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { type LoadOptions, load, type Model, type Tensor, tensor } from 'onnsight'
import * as ort from 'onnxruntime-node'

/* Small graphs on which something went wrong once. The expected values are onnxruntime's for the same file and inputs. */
const fixture = (name: string): string => `test/fixtures/edges/${name}.onnx`
const folder = mkdtempSync(join(tmpdir(), 'onnsight-edges-'))
const X = { type: 'float32', dims: [2, 3], data: Float32Array.from([1, -2, 3, 0.5, 4, -1]) } as const

type Given = Record<
  string,
  { readonly type: string; readonly dims: readonly number[]; readonly data: ArrayBufferView | string[] }
>

const numbers = (dims: readonly number[]): Given[string] => ({
  type: 'float32',
  dims,
  data: Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i * 1.7) * 3),
})

/** The inputs of onnxruntime, converted to those of onnsight. */
const ours = (given: Given) =>
  Object.fromEntries(
    Object.entries(given).map(([name, { type, dims, data }]) => [
      name,
      type === 'string' ? (data as string[]) : tensor(data as Float32Array, { dims, type: type as 'float32' }),
    ]),
  )
const theirs = (given: Given) =>
  Object.fromEntries(
    Object.entries(given).map(([name, { type, dims, data }]) => [
      name,
      new ort.Tensor(type as 'float32', data as Float32Array, dims),
    ]),
  )

async function bare(file: string, given: Given): Promise<Record<string, ort.Tensor>> {
  const session = await ort.InferenceSession.create(file, { logSeverityLevel: 4 })
  try {
    return (await session.run(theirs(given))) as Record<string, ort.Tensor>
  } finally {
    await session.release()
  }
}

const isSame = (a: Tensor, b: ort.Tensor): boolean =>
  String(a.dims) === String(b.dims) &&
  Buffer.compare(bytes(a.data as Float32Array), bytes(b.data as Float32Array)) === 0
const bytes = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Buffer =>
  Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength)

const ways: LoadOptions[] = [{}, { groupBytes: 0 } as LoadOptions, { blocks: 3 }]
const c = { type: 'int64', dims: [2], data: BigInt64Array.of(0n, 1n) }

for (const [name, given] of Object.entries<Given>({
  d08_fp32: { x: X },
  n_own_as_read: { x: X },
  n_own_prefix: { x: X },
  o_7: { x: numbers([2, 4]) },
  o_10: { x: numbers([2, 4]) },
  p_skip_ln: { x: numbers([2, 5, 8]) },
  seq_layers: { x: X },
  t14_override_msft: { x: X },
  t5_const_if: { x: X },
  t7_call_in_run_if: { x: X },
  t8_function_shape_a: { x: X, c },
  v_dup_output: { x: X },
  v_init_input_ir3: { x: X },
  v_seq_long: { x: X },
  v_weight_int2: { x: X },
})) {
  test(`${name}: unedited it gives onnxruntime’s bits, however it is cut`, async t => {
    const expected = await bare(fixture(name), given)
    for (const options of ways) {
      const model = await load(fixture(name), options)
      const got = await model.run(ours(given))
      for (const [output, value] of Object.entries(expected))
        t.true(isSame(got[output], value), `${output} ${JSON.stringify(options)}`)
      await model.release()
    }
  })

  test(`${name}: every tensor in it can be read, or the reason is told`, async t => {
    const model = await load(fixture(name))
    for (const value of model.tensorNames) {
      try {
        const read = await model.trace(ours(given), m => m.tensor(value))
        t.true(read.dims.length >= 0)
      } catch (error) {
        t.regex((error as Error).message, /sequence, a map or an optional/, value)
      }
    }
    await model.release()
  })
}

for (const [name, first, second] of [
  [
    't9_texts',
    { x: X, s: { type: 'string', dims: [2], data: ['a', 'b,c'] } },
    { x: X, s: { type: 'string', dims: [2], data: ['a,b', 'c'] } },
  ],
  [
    't9_zero',
    { x: X, k: { type: 'float32', dims: [], data: Float32Array.of(0) } },
    { x: X, k: { type: 'float32', dims: [], data: Float32Array.of(-0) } },
  ],
] as const) {
  test(`${name}: a branch is chosen by these values, not by others that read alike`, async t => {
    const file = fixture(name)
    for (const order of [
      [first, second],
      [second, first],
    ] as unknown as Given[][]) {
      const model = await load(file)
      for (const given of order) t.true(isSame((await model.run(ours(given))).y, (await bare(file, given)).y))
      await model.release()
    }
  })
}

/** Checks that onnxruntime gives the same for the saved file as the edited model does, and not the same as for the original. */
async function savedEdit(
  t: import('ava').ExecutionContext,
  name: string,
  given: Given,
  edit: (m: Model) => void,
): Promise<void> {
  const model = await load(fixture(name))
  const edited = model.edit(edit)
  const got = await edited.run(ours(given))
  const path = join(folder, `${name}.onnx`)
  await edited.save(path)
  const saved = await bare(path, given)
  t.false(isSame(got.y, (await model.run(ours(given))).y as unknown as ort.Tensor), 'the edit moved the result')
  t.true(isSame(got.y, saved.y))
  await model.release()
}

for (const name of ['v_dup_output', 'v_init_input_ir3', 't1_dupnodes', 'n_own_prefix'])
  test(`${name}: a saved edit is a file that onnxruntime takes`, async t => {
    await savedEdit(t, name, { x: X }, m => {
      const node = m.node(m.nodeNames[0])
      node.output = node.output.add(0.25)
    })
  })

for (const name of ['o_7', 'o_10'])
  test(`${name}: whatever a block computes, with weights too, though the model’s opset lacks the operation`, async t => {
    const x = numbers([2, 4])
    for (const options of ways) {
      const model = await load(fixture(name), options)
      const w = await model.trace(ours({ x }), m => m.tensor('w'))
      const compute = (from: Tensor): Tensor[] => {
        const top = from.slice('0:1')
        return [top, from.slice('::-1').cumsum(0), top.mean().add(from.max()), from.gt(0).where(from, 0).sum(-1)]
      }
      const within = await model.trace(ours({ x }), m => compute(m.tensor('w')))
      for (const [i, value] of compute(w).entries()) {
        const due = await value.value()
        t.deepEqual(within[i].dims, due.dims)
        t.deepEqual(within[i].data, due.data, `${i}`)
      }
      const moved = await model.trace(ours({ x }), m => {
        const node = m.node(m.nodeNames[0])
        node.output = node.output.add(m.tensor('w').slice('0:1').mean())
        return m.tensor('y')
      })
      t.notDeepEqual(moved.data, (await model.run(ours({ x }))).y.data)
      await model.release()
    }
  })

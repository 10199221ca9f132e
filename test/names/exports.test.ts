import { readFileSync } from 'node:fs'
import test from 'ava'
import { load, type Model, OnnsightError, type Tensor } from 'onnsight'

type Nested = number | Nested[]

/** The values that PyTorch's hooks read and changed (test/reference/make_names.py). */
interface Reference {
  readonly inputs: Readonly<Record<string, Nested>>
  readonly result: Nested
  /** The first input and the output of each call of each module. */
  readonly calls: Readonly<Record<string, readonly { readonly input: Nested; readonly output: Nested }[]>>
  /** The result if x / 2 + 0.1 replaces the value x at one side of a module. */
  readonly edited: readonly { readonly module: string; readonly point: 'input' | 'output'; readonly result: Nested }[]
  /** The dims of each parameter. */
  readonly weights: Readonly<Record<string, readonly number[]>>
}

/** Modules that are missing in the exported file, or whose name would give the value of another module. */
const missing: Record<string, Record<string, string>> = {
  bert: {
    'encoder.layer.0.attention.output.dropout': 'unknown-module',
    'encoder.layer.0.output.dropout': 'unknown-module',
    'encoder.layer.1.attention.output.dropout': 'unknown-module',
    'encoder.layer.1.output.dropout': 'unknown-module',
  },
  llama: {},
  resnet: {
    'layer1.0.conv1': 'no-value',
    'layer1.0.bn1': 'unknown-module',
    'layer1.0.conv2': 'no-value',
    'layer1.0.bn2': 'unknown-module',
    'layer2.0.conv1': 'no-value',
    'layer2.0.bn1': 'unknown-module',
    'layer2.0.conv2': 'no-value',
    'layer2.0.bn2': 'unknown-module',
    'layer2.0.downsample.0': 'no-value',
    'layer2.0.downsample.1': 'unknown-module',
  },
  shared: { block: 'no-value' },
}

const flat = (list: Nested): number[] => [list].flat(Number.POSITIVE_INFINITY as 1) as number[]

function isNear(got: Tensor, expected: Nested): boolean {
  const [a, b] = [Array.from(got.data as Float32Array, Number), flat(expected)]
  const most = Math.max(...b.map(Math.abs), 1e-3)
  return a.length === b.length && a.every((value, i) => Math.abs(value - b[i]) <= 1e-5 * most)
}

/** The scope of a call. The exporter gives later calls of a module another scope: `relu_1`. */
const scopeOf = (path: string, call: number): string => (call === 0 ? path : `${path}_${call}`)

for (const [name, absent] of Object.entries(missing)) {
  const reference: Reference = JSON.parse(readFileSync(`test/fixtures/names/${name}.json`, 'utf8'))
  const inputs = reference.inputs as never
  const opened = load(`test/fixtures/names/${name}.onnx`)
  const read = async (path: string, point: 'input' | 'output') =>
    (await opened).trace(inputs, m => m.module(path)[point])

  test(`${name}: every module’s output and input are those of PyTorch, or there is an error`, async t => {
    const model = await opened
    t.true(isNear((await model.run(inputs)).result, reference.result))
    for (const [path, calls] of Object.entries(reference.calls)) {
      if (path in absent) {
        const error = (await t.throwsAsync(read(path, 'output'), undefined, path)) as OnnsightError
        t.true(error instanceof OnnsightError)
        t.is(error.code, absent[path], path)
        t.truthy(error.fix)
        continue
      }
      for (const [call, { input, output }] of calls.entries()) {
        const scope = scopeOf(path, call)
        t.true(isNear(await read(scope, 'output'), output), `${scope}.output`)
        t.true(isNear(await read(scope, 'input'), input), `${scope}.input`)
      }
    }
  })

  test(`${name}: edits do what the same hooks do in PyTorch`, async t => {
    const model = await opened
    for (const { module, point, result } of reference.edited) {
      const got = await model.trace(inputs, m => {
        const place = m.module(module)
        place[point] = place[point].mul(0.5).add(0.1)
        return m.tensor('result')
      })
      t.true(isNear(got, result), `${module}.${point}`)
      t.false(isNear(got, reference.result), `${module}.${point} moved the result`)
    }
  })

  test(`${name}: weights are under their parameters’ names`, async t => {
    const model: Model = await opened
    let found = 0
    for (const [path, dims] of Object.entries(reference.weights)) {
      const parts = path.split('.')
      const parameter = parts.pop()!
      const names = await model.trace(inputs, m => {
        try {
          return Object.keys(m.module(parts.join('.')).weights)
        } catch {
          return []
        }
      })
      if (!names.includes(parameter)) continue
      const weight = await model.trace(inputs, m => m.module(parts.join('.')).weights[parameter])
      t.deepEqual([...weight.dims], [...dims], path)
      found++
    }
    t.true(found >= 4, `${found} found`)
  })
}

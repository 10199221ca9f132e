import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { load, type Tensor, tensor } from 'onnsight'
import * as ort from 'onnxruntime-node'
import { patterns } from './patterns/index.ts'
import { encodeGraph, feeds, parseGraph, type TextGraph } from './text-graph.ts'

// Reads the values inside patterns that onnxruntime fuses, beside the graph's outputs. Prints `start CASE` before each case, because a read may
// end the process, and `wrong WHAT` after it if a value differs from onnxruntime's own.
const [from, to, blocks] = process.argv.slice(2).map(Number)
const folder = mkdtempSync(join(tmpdir(), 'onnsight-fusions-'))
const say = (line: string): boolean => process.stdout.write(`${line}\n`)

async function bare(graph: TextGraph, level: 'disabled' | 'all', more: readonly string[]) {
  const session = await ort.InferenceSession.create(encodeGraph(graph, { outputs: more }), {
    graphOptimizationLevel: level,
    logSeverityLevel: 4,
  })
  const given = Object.entries(feeds(graph)).map(
    ([name, { type, dims, data }]) => [name, new ort.Tensor(type as 'float32', data as Float32Array, dims)] as const,
  )
  const values = await session.run(Object.fromEntries(given))
  await session.release()
  return values
}

const numbers = (value: Tensor | ort.Tensor): number[] => {
  const { data, type } = value as { data: ArrayLike<number | bigint>; type: string }
  const isHalf = type === 'float16' && data instanceof Uint16Array
  return Array.from(data, item => (isHalf ? half(Number(item)) : Number(item)))
}
function half(bits: number): number {
  const [sign, exponent, mantissa] = [bits >> 15 ? -1 : 1, (bits >> 10) & 31, bits & 1023]
  return exponent === 0 ? sign * mantissa * 2 ** -24 : sign * (1 + mantissa / 1024) * 2 ** (exponent - 15)
}

function isNear(got: Tensor, due: ort.Tensor, tolerance: number): boolean {
  const [a, b] = [numbers(got), numbers(due)]
  const most = Math.max(1e-6, ...b.map(Math.abs).filter(Number.isFinite))
  return (
    String(got.dims) === String(due.dims) &&
    a.every((value, i) => Object.is(value, b[i]) || Math.abs(value - b[i]) <= tolerance * most)
  )
}

for (const [i, graph] of patterns.entries()) {
  if (i < from || i >= to) continue
  const { interior, outputs } = parseGraph(graph)
  const file = join(folder, `${i}.onnx`)
  writeFileSync(file, encodeGraph(graph))
  say(`start ${graph.name}: the model`)
  const plain = await bare(graph, 'disabled', interior)
  const fused = await bare(graph, 'all', [])
  const model = await load(file, { blocks })
  const inputs = Object.fromEntries(
    Object.entries(feeds(graph)).map(([name, { type, dims, data }]) => [
      name,
      tensor(type === 'float16' ? Array.from(data as Uint16Array, half) : (data as Float32Array), {
        type: type as 'float32',
        dims,
      }),
    ]),
  )
  // A quantised kernel may round to the next step.
  const tolerance = /Quantize|MatMulNBits|block_size/.test(graph.nodes)
    ? 0.06
    : /f16/.test(JSON.stringify(graph))
      ? 4e-3
      : 1e-4
  const check = (name: string, got: Tensor): void => {
    const isRight = [plain[name], fused[name]].some(due => due && isNear(got, due, tolerance))
    if (!isRight) say(`wrong ${name}`)
  }
  const single = blocks === 1 ? interior : []
  const cases: (readonly [label: string, read: readonly string[], changed: readonly string[]])[] = [
    ...single.map(name => [`reads ${name}`, [name], []] as const),
    ...single.map(name => [`computes with ${name}`, [], [name]] as const),
    ['reads all', interior, []],
  ]
  for (const [label, read, changed] of cases) {
    say(`start ${graph.name}: ${label}`)
    const values = await model.trace(inputs, m => ({
      read: read.map(name => m.tensor(name)),
      changed: changed.map(name => m.tensor(name).unsqueeze(0).squeeze(0)),
      outputs: outputs.map(name => m.tensor(name)),
    }))
    const got = [...values.read, ...values.changed, ...values.outputs]
    for (const [j, name] of [...read, ...changed, ...outputs].entries()) check(name, got[j])
  }
  await model.release()
}
rmSync(folder, { recursive: true })
say('end')

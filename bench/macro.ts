import * as babel from '@babel/core'
import typescript from '@babel/preset-typescript'
import plugin from '../dist/macro/plugin.js'
import { type Measure, ratio, timed } from './measure.ts'

/** A module as people write it: ordinary code, with a trace in each `every`-th part. */
function source(lines: number, every: number): string {
  const parts = [
    "import { load } from 'onnsight'",
    "import { save, s, trace } from 'onnsight/trace.macro'",
    "const model = await load('model.onnx')",
  ]
  for (let i = 0; parts.length < lines; i++) {
    parts.push(
      ...`export async function study${i}(ids: number[][], layer: number, scale = ${i}): Promise<unknown> {
  let hidden: unknown
  const seen: string[] = []
  for (const row of ids) {
    if (row.length > 3 && layer >= 0) seen.push(row.map(id => String(id + 1)).join(' '))
    else seen.push(\`short \${row.length}\`)
  }
${i % every === 0 ? traced : plain}
  return { hidden, logits, seen }
}
export function table${i}(rows: readonly { name: string; value: number }[]): string {
  const widest = Math.max(...rows.map(({ name }) => name.length))
  const total = rows.reduce((sum, { value }) => sum + value, 0)
  const lines = rows.map(({ name, value }) => {
    const part = total === 0 ? 0 : value / total
    return [name.padEnd(widest), value.toFixed(3), '#'.repeat(Math.round(part * 40))].join('  ')
  })
  return lines.length > 0 ? lines.join('\\n') : 'nothing'
}`.split('\n'),
    )
  }
  return parts.join('\n')
}

const traced = `  const logits = await trace(model, ids, () => {
    hidden = save(model.transformer.h[layer].output)
    model.transformer.h[layer].mlp.output.set(s\`:, -1\`, scale / 2)
    return model.lm_head.output
  })`
const plain = `  const logits = await Promise.all(ids.map(async row => {
    const { logits } = await model.run([row])
    hidden = seen.length > 3 ? logits : hidden
    return logits
  }))`

export async function macroTime(): Promise<Measure[]> {
  const results: Measure[] = []
  for (const [every, target] of [
    [4, 1.15],
    [1, 1.2],
  ] as const) {
    const code = source(1000, every)
    const build = (code: string, plugins: babel.PluginItem[]) => async () =>
      babel.transformSync(code, {
        filename: '/project/study.ts',
        cwd: '/project',
        configFile: false,
        babelrc: false,
        presets: [typescript],
        plugins,
      })
    const written = (await build(code, [plugin])())?.code ?? ''
    const tasks = [build(code, []), build(code, [plugin]), build(written, [])]
    const [plain, expanded, alone] = await timed(30, 0, tasks)
    const traces = code.match(/await trace\(/g)?.length ?? 0
    results.push(
      ratio(`Babel with the macro against without, 1,000 lines with ${traces} traces`, expanded, plain, target),
      // What the macro writes is longer, and this is the least that any macro could take that writes it.
      ratio(`Babel alone, with the code that the macro writes, ${traces} traces`, alone, plain),
    )
  }
  return results
}

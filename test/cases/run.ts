import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { program } from 'commander'
import { load, type Model, type Tensor, tensor } from 'onnsight'
import type { Case } from './case.ts'
import { difference } from './compare.ts'
import { Evaluator, sweepPasses } from './evaluate.ts'
import { readSafetensors } from './safetensors.ts'

program
  .description('Runs a file of cases through the public API and compares with the stored values.')
  .requiredOption('--cases <file>', 'cases.json; its tensors lie beside it')
  .requiredOption('--models <folder>', 'folder of the models that the cases name')
  .parse()
const { cases: file, models: folder } = program.opts<{ cases: string; models: string }>()

const cases = JSON.parse(readFileSync(file, 'utf8')) as Case[]
const loaded = new Map<string, Promise<Model>>()
const files = new Map<string, Map<string, Tensor>>()
let passed = 0
let skipped = 0
for (const entry of cases) {
  if (entry.needs && !entry.generate) {
    console.log(`skipped ${entry.id}: needs ${entry.needs}`)
    skipped++
    continue
  }
  const failure = await attempt(entry)
  if (failure === undefined) passed++
  else console.log(`failed  ${entry.id}: ${failure}`)
}
for (const model of loaded.values()) await (await model).release()
const run = cases.length - skipped
if (skipped > 0) console.log(`${skipped} skipped, not counted`)
console.log(`${passed} of ${run} within tolerance`)
if (passed < run || run === 0) process.exitCode = 1

async function attempt(entry: Case): Promise<string | undefined> {
  try {
    const results = await runCase(entry)
    const tensors = tensorsOf(entry)
    for (const [name, key] of Object.entries(entry.expect)) {
      const problem = difference(results[name], tensors.get(key)!, entry.tolerance)
      if (problem) return `${name}: ${problem}`
    }
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

async function runCase(entry: Case): Promise<Record<string, Tensor>> {
  let model = loaded.get(entry.model)
  if (!model) {
    model = load(join(folder, `${entry.model}.onnx`))
    loaded.set(entry.model, model)
  }
  const evaluator = new Evaluator(await model, tensorsOf(entry))
  if (entry.generate) return evaluator.generate(entry.inputs, entry.edits ?? [], entry.generate.tokens)
  if (!entry.sweep) return evaluator.run(entry.inputs, entry.edits ?? [], entry.reads ?? {})
  const values: number[] = []
  for (const { edits, measure } of sweepPasses(entry)) {
    const { value } = await evaluator.run(entry.inputs, [...(entry.edits ?? []), ...edits], { value: measure })
    values.push(Number(value.item()))
  }
  return { table: tensor(values, { dims: Object.values(entry.sweep.over) }) }
}

function tensorsOf(entry: Case): Map<string, Tensor> {
  let tensors = files.get(entry.file)
  if (!tensors) {
    tensors = readSafetensors(join(dirname(file), entry.file))
    files.set(entry.file, tensors)
  }
  return tensors
}

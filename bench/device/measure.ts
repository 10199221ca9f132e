import { readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { program } from 'commander'
import { cases } from './cases.ts'
import { generation } from './generation.ts'
import { growth } from './growth.ts'
import { missing } from './missing.ts'
import { nvidiaSmi } from './nvidia-smi.ts'
import type { Part, Report } from './report.ts'
import { runs } from './runs.ts'

/** Parts are independent: an error in one does not keep the others from their tables. The report is written after each part. */
const {
  provider,
  report: path,
  only,
} = program
  .requiredOption('--provider <name>', 'cuda or cpu')
  .requiredOption('--report <file>', 'where the report goes')
  .option('--only <names>', 'of cases, runs, generation, growth, missing, with commas')
  .parse()
  .opts<{ provider: 'cuda' | 'cpu'; report: string; only?: string }>()

const parts: Record<string, () => Promise<Part>> = {
  cases: () => cases(provider),
  runs: () => runs(provider),
  generation: () => generation(provider),
  growth: () => growth(provider),
  missing: () => missing(),
}
const report: Report = { provider, machine: machine(), date: new Date().toISOString().slice(0, 10), parts: {} }
for (const [name, part] of Object.entries(parts)) {
  if (only && !only.split(',').includes(name)) continue
  const start = performance.now()
  try {
    report.parts[name] = await part()
  } catch (error) {
    report.parts[name] = { failed: String(error) }
  }
  console.log(
    name,
    `${((performance.now() - start) / 1000).toFixed(0)} s`,
    JSON.stringify(report.parts[name]).slice(0, 1500),
  )
  writeFileSync(path, `${JSON.stringify(report, null, 2)}\n`)
}

function machine(): string {
  const version = (name: string): string =>
    JSON.parse(readFileSync(`node_modules/${name}/package.json`, 'utf8')).version
  return `${nvidiaSmi('name,driver_version') ?? 'no GPU'}; ${cpus().length} CPU cores; onnxruntime-node ${version('onnxruntime-node')}; Node ${process.version}`
}

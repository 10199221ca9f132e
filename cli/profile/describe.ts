import type { Profile, Timed } from './profile.ts'

export type Order = 'model' | 'time' | 'calls'

export interface TableOptions {
  /** How many levels the tree shows below the model. */
  readonly depth: number
  readonly sort: Order
}

type ModuleTimes = Profile['modules'][number]

const MOST_OPERATIONS = 12
const HEADER = '   time ms       %   calls'

/** Describes a profile as text for people. */
export function describeProfile(profile: Profile, options: TableOptions): string {
  const { file, provider, runs, wallMs, totalMs, inputs, operations } = profile
  const mean = wallMs.reduce((sum, ms) => sum + ms, 0) / wallMs.length
  const shownRuns = runs === 1 ? '1 run' : `${runs} runs`
  const inputLines = inputs.map(
    ({ name, type, dims, made }) => `  ${name}: ${type} [${dims.join(', ')}]${made ? `, generated: ${made}` : ''}`,
  )
  const rest = operations.length - MOST_OPERATIONS
  return [
    `${file} on ${provider}: ${shownRuns} of ${mean.toFixed(2)} ms (the shortest ${Math.min(...wallMs).toFixed(2)} ms), ${totalMs.toFixed(2)} ms of them in operations`,
    ['inputs', ...inputLines].join('\n'),
    [`${HEADER}  module, with all modules below it`, ...treeLines(profile.modules, options)].join('\n'),
    [
      `${HEADER}  operation`,
      ...operations.slice(0, MOST_OPERATIONS).map(row => `${columns(row)}  ${row.operation}`),
      ...(rest > 0 ? [`  and ${rest} more; --json lists all`] : []),
    ].join('\n'),
  ].join('\n\n')
}

function columns({ totalMs, percent, calls }: Timed): string {
  const shownCalls = Number.isInteger(calls) ? String(calls) : calls.toFixed(1)
  return `${totalMs.toFixed(3).padStart(10)} ${percent.toFixed(1).padStart(7)} ${shownCalls.padStart(7)}`
}

/** The lines of the module tree. Modules in which nothing ran are left out; their operations were folded or fused into others. */
function treeLines(modules: readonly ModuleTimes[], { depth, sort }: TableOptions): string[] {
  const children = new Map<string, ModuleTimes[]>()
  for (const module of modules) {
    if (module.path === '' || module.calls === 0) continue
    const parent = module.path.includes('.') ? module.path.slice(0, module.path.lastIndexOf('.')) : ''
    children.set(parent, [...(children.get(parent) ?? []), module])
  }
  const lines: string[] = []
  const show = (module: ModuleTimes, level: number): void => {
    const { path, className } = module
    const name = path === '' ? 'model' : path.slice(path.lastIndexOf('.') + 1)
    lines.push(`${columns(module)}  ${'  '.repeat(level)}${name}${className ? `  · ${className}` : ''}`)
    if (level < depth) for (const child of ordered(children.get(path) ?? [], sort)) show(child, level + 1)
  }
  show(modules[0], 0)
  return lines
}

function ordered(modules: readonly ModuleTimes[], sort: Order): readonly ModuleTimes[] {
  if (sort === 'time') return [...modules].sort((a, b) => b.totalMs - a.totalMs)
  return sort === 'calls' ? [...modules].sort((a, b) => b.calls - a.calls) : modules
}

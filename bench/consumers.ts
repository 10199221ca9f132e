// npm run bench:consumers: from `npm install` to the first result, for each build tool, in seconds.
import { join } from 'node:path'
import { Project } from '../test/consumers/project.ts'
import { babels, bundlers, type Tool, testers } from '../test/consumers/tools.ts'

const seconds = async (work: () => Promise<unknown>): Promise<number> => {
  const start = performance.now()
  await work()
  return (performance.now() - start) / 1000
}

interface Steps {
  readonly build?: string
  readonly run?: string
  readonly env?: NodeJS.ProcessEnv
}

const stepsOf = (tool: Tool & { build?: string; run?: string; test?: string; env?: NodeJS.ProcessEnv }): Steps =>
  tool.test === undefined
    ? { build: tool.build, run: `node ${tool.run} $MODEL` }
    : // One of its tests is wrong on purpose.
      { run: `${tool.test}; true`, env: tool.env }

const show = (value: number | undefined): string => (value === undefined ? '' : value.toFixed(1)).padStart(8)
console.log(`${'tool'.padEnd(28)}${['install', 'build', 'run', 'in all'].map(name => name.padStart(8)).join('')}`)
const installed = new Map<string, { project: Project; took: number }>()
for (const tool of [...babels, ...bundlers, ...testers]) {
  let known = installed.get(tool.project)
  if (!known) {
    let project!: Project
    const took = await seconds(async () => {
      project = await Project.open(tool.project)
    })
    known = { project, took }
    installed.set(tool.project, known)
  }
  const { project, took } = known
  const { build, run, env } = stepsOf(tool)
  const built = build === undefined ? undefined : await seconds(() => project.succeed(build))
  const ran = await seconds(() => project.succeed(run!, env))
  console.log(`${tool.name.padEnd(28)}${[took, built, ran, took + (built ?? 0) + ran].map(show).join('')}`)
}
for (const [name, build] of [
  ['cra', 'react-scripts build'],
  ['next', 'next build'],
] as const) {
  let app!: Project
  const took = await seconds(async () => {
    app = await Project.open(name, join('examples/apps', name))
  })
  const built = await seconds(() => app.succeed(build))
  console.log(`${name.padEnd(28)}${[took, built, undefined, took + built].map(show).join('')}`)
}
Project.removeAll()

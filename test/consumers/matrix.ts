import { readFileSync, writeFileSync } from 'node:fs'
import { compilers } from './compilers.ts'
import type { Tool } from './tools.ts'
import { tools } from './tools.ts'

const PAGE = 'docs/matrix.md'
const ran = new Map<string, string[]>()

/** Notes what has been run with a tool, and has come out right. */
export function record(tool: Pick<Tool, 'name'>, what: string): void {
  ran.set(tool.name, [...(ran.get(tool.name) ?? []), what])
}

/** One line for each tool: its versions from the lockfile, and what this run has done with it. */
export function rows(): string[] {
  return [...tools, ...compilers].map(
    tool => `| ${tool.name} | ${versions(tool).join(', ')} | ${(ran.get(tool.name) ?? ['nothing']).join('; ')} |`,
  )
}

function versions({ project, packages }: Pick<Tool, 'project' | 'packages'>): string[] {
  const { packages: locked } = JSON.parse(
    readFileSync(`test/consumers/${project}/package-lock.json`, 'utf8'),
  ) as Lockfile
  return packages.map(path => {
    // Installed under another name, it has its own here.
    const { name = path, version } = locked[`node_modules/${path}`]
    return `${name} ${version}`
  })
}

interface Lockfile {
  readonly packages: Readonly<Record<string, { readonly version: string; readonly name?: string }>>
}

/** The page's text; the formatter sets columns under each other, which counts for nothing. */
export function page(): string {
  return readFileSync(PAGE, 'utf8').replaceAll(/ +/g, ' ')
}

export function writePage(): void {
  writeFileSync(
    PAGE,
    `# What was run with which tool

Written by \`UPDATE_MATRIX=1 npx ava test/consumers/consumers.test.ts\`, which builds and runs the projects in test/consumers from the packed
package: here on Node ${process.versions.node}, ${process.platform} ${process.arch}. How to set each one up: [tools](tools.md).

| tool | versions | what was run |
| ---- | -------- | ------------ |
${rows().join('\n')}
`,
  )
}

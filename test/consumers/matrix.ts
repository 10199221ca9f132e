import { readFileSync, writeFileSync } from 'node:fs'
import type { Tool } from './tools.ts'

const PAGE = 'docs/matrix.md'
const ran = new Map<string, string[]>()

/** Notes what has been run with a tool, and has come out right. */
export function record(tool: Tool, what: string): void {
  ran.set(tool.name, [...(ran.get(tool.name) ?? []), what])
}

/** One line for each tool: its versions from the lockfile, and what this run has done with it. */
export function rows(of: readonly Tool[]): string[] {
  return of.map(
    tool => `| ${tool.name} | ${versions(tool).join(', ')} | ${(ran.get(tool.name) ?? ['nothing']).join('; ')} |`,
  )
}

function versions({ project, packages }: Tool): string[] {
  const { packages: locked } = JSON.parse(
    readFileSync(`test/consumers/${project}/package-lock.json`, 'utf8'),
  ) as Lockfile
  return packages.map(name => `${name} ${locked[`node_modules/${name}`].version}`)
}

interface Lockfile {
  readonly packages: Readonly<Record<string, { readonly version: string }>>
}

/** The page's text; the formatter sets columns under each other, which counts for nothing. */
export function page(): string {
  return readFileSync(PAGE, 'utf8').replaceAll(/ +/g, ' ')
}

const MANAGERS = '\n## Package managers\n'
const table = (what: string, of: readonly Tool[]): string =>
  `| ${what} | versions | what was run |\n| ---- | -------- | ------------ |\n${rows(of).join('\n')}\n`

/** The first part of the page; what managers.test.ts has written stays. */
export function writeTools(tools: readonly Tool[]): void {
  const [, rest] = readFileSync(PAGE, 'utf8').split(MANAGERS)
  writeFileSync(
    PAGE,
    `# What was run with which tool

Written by \`UPDATE_MATRIX=1 npx ava test/consumers/consumers.test.ts test/consumers/managers.test.ts --serial\`, which builds and runs the
projects in test/consumers from the packed package: here on Node ${process.versions.node}, ${process.platform} ${process.arch}. How to set each
one up: [tools](tools.md).

${table('tool', tools)}${MANAGERS}${rest ?? ''}`,
  )
}

/** The second part of the page. */
export function writeManagers(managers: readonly Tool[]): void {
  const [first] = readFileSync(PAGE, 'utf8').split(MANAGERS)
  writeFileSync(
    PAGE,
    `${first}${MANAGERS}\nA new project, installed from the packed package.\n\n${table('manager', managers)}`,
  )
}

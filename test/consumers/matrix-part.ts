import { readFileSync, writeFileSync } from 'node:fs'
import type { ExecutionContext } from 'ava'

const PAGE = 'docs/matrix.md'

/** A line of docs/matrix.md. */
export interface Row {
  readonly name: string
  /** The packages whose versions the line has, and the lockfile that has them. */
  readonly packages: readonly string[]
  readonly lockfile: string
}

interface Lockfile {
  readonly packages: Readonly<Record<string, { readonly version: string; readonly name?: string }>>
}

/** The part of docs/matrix.md that one file of tests writes: a heading, and a table of what has been run. */
export class MatrixPart {
  readonly #heading: string
  readonly #file: string
  readonly #rows: readonly Row[]
  readonly #ran = new Map<string, string[]>()

  /** @param file the file of the tests, which the part names */
  constructor(heading: string, file: string, rows: readonly Row[]) {
    this.#heading = heading
    this.#file = file
    this.#rows = rows
  }

  /** Notes a run that passed. */
  record(name: string, what: string): void {
    if (!this.#rows.some(row => row.name === name)) throw new Error(`The table has no row ${name}.`)
    this.#ran.set(name, [...(this.#ran.get(name) ?? []), what])
  }

  /** The table's lines, with the versions of the lockfile. */
  rows(): string[] {
    return this.#rows.map(
      row => `| ${row.name} | ${versions(row).join(', ')} | ${(this.#ran.get(row.name) ?? ['nothing']).join('; ')} |`,
    )
  }

  /** Checks that the page has exactly these rows under the heading, except those that this machine lacks. With UPDATE_MATRIX, writes them. */
  check(t: ExecutionContext, missing: ReadonlySet<string> = new Set()): void {
    if (process.env.UPDATE_MATRIX) this.#write()
    const [, , found = ''] = split(readFileSync(PAGE, 'utf8'), this.#heading)
    // The formatter aligns columns with spaces, which do not matter here.
    const lines = found.replaceAll(/ +/g, ' ').split('\n')
    const isRun = (line: string): boolean => !missing.has(line.split(' | ')[0].slice(2))
    const shown = lines.filter(line => line.startsWith('| ') && !/^\| (tool|-+) \|/.test(line))
    t.deepEqual(
      shown.filter(isRun),
      this.rows().filter(isRun),
      `docs/matrix.md is old: UPDATE_MATRIX=1 npx ava ${this.#file}`,
    )
  }

  #write(): void {
    const { versions, platform, arch } = process
    const [before, heading, , after] = split(readFileSync(PAGE, 'utf8'), this.#heading)
    const body = `By \`UPDATE_MATRIX=1 npx ava ${this.#file}\`: here on Node ${versions.node}, ${platform} ${arch}.

| tool | versions | what was run |
| ---- | -------- | ------------ |
${this.rows().join('\n')}
`
    writeFileSync(PAGE, `${before}${heading}\n${body}${after && `\n${after}`}`)
  }
}

/** Splits the page into the text before a part, its heading, its contents, and the text after it. A part that is missing comes last. */
function split(page: string, heading: string): [string, string, string, string] {
  const line = `## ${heading}\n`
  const start = page.indexOf(line)
  if (start < 0) return [`${page.trimEnd()}\n\n`, line, '', '']
  const end = page.indexOf('\n## ', start)
  const last = end < 0 ? page.length : end + 1
  return [page.slice(0, start), line, page.slice(start + line.length, last), page.slice(last)]
}

function versions({ packages, lockfile }: Row): string[] {
  const { packages: locked } = JSON.parse(readFileSync(lockfile, 'utf8')) as Lockfile
  return packages.map(path => {
    // A package that is installed under another name has its own name here.
    const { name = path, version } = locked[`node_modules/${path}`]
    return `${name} ${version}`
  })
}

import { readdirSync, readFileSync } from 'node:fs'

/** A program that stands in a page. */
export interface Program {
  /** `guide-3`: the third of docs/guide.md. */
  readonly name: string
  readonly code: string
  /** What the page says that it prints: the block without a language right after it. */
  readonly output?: string
  /** What comments behind `console.log` say that it prints. */
  readonly printed: readonly string[]
}

/** The pages with programs that run as they stand; those of errors.md are run by errors/catalogue.test.ts. */
export const pages: readonly string[] = [
  'README.md',
  ...readdirSync('docs')
    .filter(name => name.endsWith('.md') && name !== 'errors.md')
    .map(name => `docs/${name}`),
]

export function programsOf(page: string): Program[] {
  const found = readFileSync(page, 'utf8').matchAll(/```ts\n([\s\S]*?)```(?:\s*```\n([\s\S]*?)```)?/g)
  return Array.from(found, ([, code, output], i) => ({
    name: `${page.replace(/^docs\/|\.md$/g, '')}-${i + 1}`,
    code,
    ...(output === undefined ? {} : { output }),
    printed: Array.from(code.matchAll(SHOWN), ([, text]) => text.trim()),
  }))
}

/** Dims, numbers and truths at the start of a comment: `// [ 1, 24 ]: the prompt and 20 more`. */
const SHOWN = /^console\.log\(.*\) \/\/ ((?:(?:\[ [-\d., ]+ \]|-?\d[\d.]*|true|false)(?=[ :,\n]|$) ?)+)/gm

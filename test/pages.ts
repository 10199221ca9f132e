import { readdirSync, readFileSync } from 'node:fs'

/** A program in a page of the documentation. */
export interface Program {
  /** Its name: `guide-3` is the third program of docs/guide.md. */
  readonly name: string
  readonly code: string
  /** The text that it prints, according to the page: the block without a language right after it. */
  readonly output?: string
  /** The texts that it prints, according to the comments after `console.log`. */
  readonly printed: readonly string[]
}

/** The pages with programs that run unchanged. errors/catalogue.test.ts runs those of errors.md. */
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

/** Matches dims, numbers and truth values at the start of a comment: `// [ 1, 24 ]: the prompt and 20 more`. */
const SHOWN = /^console\.log\(.*\) \/\/ ((?:(?:\[ [-\d., ]+ \]|-?\d[\d.]*|true|false)(?=[ :,\n]|$) ?)+)/gm

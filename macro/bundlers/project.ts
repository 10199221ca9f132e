import { isAbsolute, relative, resolve, sep } from 'node:path'

/** Kinds of files that can hold the macro, with or without what Vite puts behind a name (`?v=1a2b`). */
export const SOURCES = /\.[cm]?[jt]sx?(\?.*)?$/

/** Text that a bundler wants as text (`import text from './a.ts?raw'`) is no program. */
const AS_TEXT = /\?(.*&)?(raw|url|inline)(&|=|$)/

/** Whether a file is the user's own. */
export class Project {
  readonly #roots: Set<string>
  readonly #isGiven: boolean

  constructor(root: string | readonly string[] | undefined) {
    this.#isGiven = root !== undefined
    this.#roots = new Set([root ?? process.cwd()].flat().map(folder => resolve(folder)))
  }

  /** The folder that a tool builds, where the user has named none. */
  add(root: string | undefined): void {
    if (root !== undefined && !this.#isGiven) this.#roots.add(resolve(root))
  }

  /** The file's path, where it is a file at all and no other package's. */
  file(id: string): string | undefined {
    if (id.startsWith('\0') || AS_TEXT.test(id)) return undefined
    const file = id.replace(/\?.*$/, '')
    return isAbsolute(file) && !/[\\/]node_modules[\\/]/.test(file) ? file : undefined
  }

  /** The root that a file lies under, if it is one of the project's. */
  rootOf(file: string): string | undefined {
    return [...this.#roots].find(root => {
      const path = relative(root, file)
      return path !== '..' && !path.startsWith(`..${sep}`) && !isAbsolute(path)
    })
  }

  toString(): string {
    return [...this.#roots].join(', ')
  }
}

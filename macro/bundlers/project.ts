import { isAbsolute, relative, resolve, sep } from 'node:path'

/** Matches files that can use the macro, with or without the query that Vite appends (`?v=1a2b`). */
export const SOURCES = /\.[cm]?[jt]sx?(\?.*)?$/

/** Matches files that are imported as text (`import text from './a.ts?raw'`), and not as programs. */
const AS_TEXT = /\?(.*&)?(raw|url|inline)(&|=|$)/

/** Decides which files are the user's own. */
export class Project {
  readonly #roots: Set<string>
  readonly #isGiven: boolean

  constructor(root: string | readonly string[] | undefined) {
    this.#isGiven = root !== undefined
    this.#roots = new Set([root ?? process.cwd()].flat().map(folder => resolve(folder)))
  }

  /** Adds the folder that a tool builds, if the user has named none. */
  add(root: string | undefined): void {
    if (root !== undefined && !this.#isGiven) this.#roots.add(resolve(root))
  }

  /** Returns the path of a file of the project; undefined for a file of another package, and for an id that is no file. */
  file(id: string): string | undefined {
    if (id.startsWith('\0') || AS_TEXT.test(id)) return undefined
    const file = id.replace(/\?.*$/, '')
    return isAbsolute(file) && !/[\\/]node_modules[\\/]/.test(file) ? file : undefined
  }

  /** Returns the root folder that contains the file; undefined for a file outside the project. */
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

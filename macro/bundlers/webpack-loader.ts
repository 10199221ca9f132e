import { BuildError } from './build-error.ts'
import { type Compiled, compile } from './compile.ts'
import { Project } from './project.ts'

/** The part of the loader context of webpack, Rspack and Turbopack that this loader uses. */
export interface LoaderContext {
  readonly resourcePath: string
  /** The folder of the project. Some tools don't set it. */
  readonly rootContext?: string
  async(): (error: unknown, code?: string, map?: object) => void
}

/** Expands the macro in a file that imports it, and leaves any other file as it is. It is a webpack loader, which Turbopack runs too. */
export default function onnsightLoader(this: LoaderContext, code: string, map?: object): void {
  const done = this.async()
  expand(this, code).then(
    compiled => done(null, compiled?.code ?? code, compiled?.map ?? map),
    (error: unknown) => done(plain(error)),
  )
}

async function expand({ resourcePath, rootContext }: LoaderContext, code: string): Promise<Compiled | undefined> {
  const root = rootContext ?? process.cwd()
  const file = new Project(root).file(resourcePath)
  return file !== undefined && code.includes('onnsight/trace.macro') ? compile({ code, file, root }) : undefined
}

/**
 * Returns an error with place and code frame only: webpack's cache stores no other kind of error, and Turbopack would print the cause with
 * Babel's frames.
 */
function plain(error: unknown): unknown {
  if (!(error instanceof BuildError)) return error
  const shownError = new Error(error.message)
  shownError.stack = String(shownError)
  return shownError
}

import { BuildError } from './build-error.ts'
import { type Compiled, compile } from './compile.ts'
import { Project } from './project.ts'

/** What webpack, Rspack and Turbopack give to a loader, as far as this one asks for it. */
export interface LoaderContext {
  readonly resourcePath: string
  /** Folder of the project; absent where a tool names none. */
  readonly rootContext?: string
  async(): (error: unknown, code?: string, map?: object) => void
}

/** Expands the macro in a file that imports it, and leaves any other as it is: webpack's kind of loader, which Turbopack runs too. */
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

/** Place and code frame, and no more: webpack's cache keeps no other kind of error, and Turbopack would print the cause with Babel's own frames. */
function plain(error: unknown): unknown {
  if (!(error instanceof BuildError)) return error
  const shownError = new Error(error.message)
  shownError.stack = String(shownError)
  return shownError
}

import type { ResolveHook } from 'node:module'

const FROM_TYPESCRIPT = /\.[cm]?tsx?(\?.*)?$/
const OF_A_PATH = /^(\.{0,2}\/|file:)/

/**
 * Node's resolve hook. TypeScript files import each other as the compiler expects it: `./other.js` for other.ts, or without an extension.
 */
export const resolve: ResolveHook = async (specifier, context, next) => {
  try {
    return await next(specifier, context)
  } catch (error) {
    if (!isMissing(error) || !FROM_TYPESCRIPT.test(context.parentURL ?? '') || !OF_A_PATH.test(specifier)) throw error
    for (const other of sourcesOf(specifier)) {
      try {
        return await next(other, context)
      } catch (thrown) {
        if (!isMissing(thrown)) throw thrown
      }
    }
    throw error
  }
}

/** Returns the files that the compiler would try for a path. */
function sourcesOf(specifier: string): string[] {
  const [, stem, kind] = /^(.*)\.([cm]?)jsx?$/.exec(specifier) ?? []
  if (stem === undefined) return ['.ts', '.tsx', '/index.ts', '/index.tsx'].map(ending => specifier + ending)
  return kind ? [`${stem}.${kind}ts`] : [`${stem}.ts`, `${stem}.tsx`]
}

function isMissing(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code === 'ERR_MODULE_NOT_FOUND' || code === 'ERR_UNSUPPORTED_DIR_IMPORT'
}

/** Thrown when a form of the macro is called that no build has expanded. */
export class MacroNotExpandedError extends Error {
  readonly code = 'macro-not-expanded'
  constructor(name: string, frame: string) {
    super(
      `${name}() from onnsight/trace.macro was called, but the macro was not expanded at build time.\n${frame}` +
        `  Do this: run the file with \`node --import onnsight/register file.ts\`,\n` +
        `  or add 'onnsight/babel-plugin' (or 'macros', from babel-plugin-macros) to the plugins of babel.config.js,\n` +
        `  or onnsight() from 'onnsight/vite', /rollup, /rolldown, /webpack, /rspack or /esbuild to the bundler's plugins,\n` +
        `  or withOnnsight() from 'onnsight/next' to next.config.js: export default withOnnsight(nextConfig).\n` +
        '  Without Babel, use model.trace(inputs, model => …).',
    )
    this.name = 'MacroNotExpandedError'
  }
}

/** Makes a function that stands in for a form and throws when called, with the calling line. */
export function notExpanded(name: string): (...args: unknown[]) => never {
  return () => {
    throw new MacroNotExpandedError(name, callingLine(new Error().stack ?? ''))
  }
}

const LONGEST = 400

function callingLine(stack: string): string {
  // `fs` is not imported, because bundles for browsers contain this file too.
  const fs = globalThis.process?.getBuiltinModule?.('node:fs')
  if (!fs) return ''
  const { fileURLToPath } = process.getBuiltinModule('node:url')
  for (const line of stack.split('\n').slice(2)) {
    const found = /^\s+at .*? \((.+):(\d+):(\d+)\)$/.exec(line) ?? /^\s+at (?:async )?(.+):(\d+):(\d+)$/.exec(line)
    if (
      !found ||
      !/^(file:|\/|[a-z]:\\)/i.test(found[1]) ||
      /\/(dist\/macro|macro)\/not-expanded\.|trace\.macro\.js/.test(found[1])
    )
      continue
    const file = found[1].startsWith('file:') ? fileURLToPath(found[1]) : found[1]
    const at = Number(found[2])
    const place = `  ${file}:${found[2]}:${found[3]}\n`
    try {
      const lines = fs.readFileSync(file, 'utf8').split('\n')
      const from = Math.max(1, at - 2)
      // Very long lines belong to a bundle, and are no code that a person wrote.
      if (lines.slice(from - 1, at + 2).some(text => text.length > LONGEST)) return place
      const shown = lines
        .slice(from - 1, at + 2)
        .map((text, i) => `${from + i === at ? '>' : ' '} ${String(from + i).padStart(4)} | ${text}`)
      return `${place}${shown.join('\n')}\n`
    } catch {
      return place
    }
  }
  return ''
}

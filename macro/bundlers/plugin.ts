import type { UnpluginFactory } from 'unplugin'
import { requireBabel } from './babel.ts'
import { compile } from './compile.ts'
import { assertVersion, viteVersion } from './least-version.ts'
import type { BundlerOptions } from './options.ts'
import { Project, SOURCES } from './project.ts'

const ORDER: object = { order: 'pre' }

/**
 * The macro as a plugin of every bundler that unplugin supports. It runs before the bundler's own steps, on the files as they were written.
 */
export const bundlerPlugin: UnpluginFactory<BundlerOptions | undefined, false> = (options, { framework }) => {
  requireBabel(framework)
  const project = new Project(options?.root)
  return {
    name: 'onnsight',
    enforce: 'pre',
    transform: {
      // The order of Rollup: the plugin runs before those that remove types, wherever it is in the list.
      ...ORDER,
      filter: { id: SOURCES, code: 'onnsight/trace.macro' },
      async handler(code, id) {
        const file = project.file(id)
        if (file === undefined) return undefined
        const root = project.rootOf(file)
        if (root !== undefined) return compile({ code, file, root })
        this.warn(
          `${file} names onnsight/trace.macro, but it lies outside ${project}, so the macro is not expanded there.\n` +
            "  Do this: name its folder too, onnsight({ root: ['.', '../other'] })",
        )
        return undefined
      },
    },
    vite: {
      configResolved({ root }: { root: string }) {
        assertVersion('vite', viteVersion(root))
        project.add(root)
      },
    },
    rollup: {
      buildStart() {
        assertVersion('rollup', this.meta.rollupVersion)
      },
    },
    webpack: ({ context }) => project.add(context),
    rspack: ({ context }) => project.add(context),
    esbuild: {
      onLoadFilter: SOURCES,
      setup: ({ initialOptions }) => project.add(initialOptions.absWorkingDir),
    },
  }
}

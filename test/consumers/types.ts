import type { ExecutionContext } from 'ava'
import { root } from './packed.ts'
import { open } from './projects.ts'

const USE = `import esbuild from 'onnsight/esbuild'
import rolldown from 'onnsight/rolldown'
import rollup from 'onnsight/rollup'
import rspack from 'onnsight/rspack'
import vite from 'onnsight/vite'
import webpack from 'onnsight/webpack'
import type { RspackPluginInstance } from '@rspack/core'
import type { Plugin as EsbuildPlugin } from 'esbuild'
import type { Plugin as RolldownPlugin } from 'rolldown'
import type { Plugin as RollupPlugin } from 'rollup'
import type { Plugin as VitePlugin } from 'vite'
import type { WebpackPluginInstance } from 'webpack'

export const ofEsbuild: EsbuildPlugin = esbuild({ root: 'src' })
export const ofRolldown: RolldownPlugin = rolldown()
export const ofRollup: RollupPlugin = rollup({ root: ['src', '../shared'] })
export const ofRspack: RspackPluginInstance = rspack()
export const ofVite: VitePlugin = vite()
export const ofWebpack: WebpackPluginInstance = webpack()
// @ts-expect-error: no such option
vite({ rot: 'src' })
// @ts-expect-error: an esbuild plugin has a setup
export const name: number = esbuild().setup
// @ts-expect-error: a Vite plugin has a name
export const other: number = vite().name
`

/** TypeScript itself, on a user's use of each entry. */
export async function checkTypes(t: ExecutionContext): Promise<void> {
  const at = (await open('babel-8')).variant({ files: { 'use.ts': USE } })
  const flags = '--noEmit --strict --skipLibCheck --module nodenext --target es2022 --preserveSymlinks'
  const { code, output } = await at.run(`node ${root}node_modules/typescript/bin/tsc ${flags} use.ts`)
  t.is(code, 0, output)
}

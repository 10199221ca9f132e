import { build } from 'esbuild'
import onnsight from 'onnsight/esbuild'

await build({
  entryPoints: ['src/main.ts'],
  outdir: 'dist/esbuild',
  bundle: true,
  platform: 'node',
  format: 'esm',
  outExtension: { '.js': '.mjs' },
  sourcemap: true,
  external: ['onnxruntime-node'],
  plugins: [onnsight()],
})

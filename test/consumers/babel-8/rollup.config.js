import commonjs from '@rollup/plugin-commonjs'
import resolve from '@rollup/plugin-node-resolve'
import onnsight from 'onnsight/rollup'
import esbuild from 'rollup-plugin-esbuild'

export default {
  input: 'src/main.ts',
  external: ['onnxruntime-node'],
  output: { dir: 'dist/rollup', format: 'es', sourcemap: true },
  plugins: [resolve(), commonjs(), esbuild(), onnsight()],
}

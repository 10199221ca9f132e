import onnsight from 'onnsight/rolldown'

export default {
  input: 'src/main.ts',
  platform: 'node',
  external: ['onnxruntime-node'],
  output: { dir: 'dist/rolldown', format: 'es', sourcemap: true },
  plugins: [onnsight()],
}

import onnsight from 'onnsight/vite'

export default {
  plugins: [onnsight()],
  build: { ssr: 'main.ts', outDir: 'dist/vite', target: 'esnext' },
  ssr: { noExternal: true, external: ['onnxruntime-node'] },
}

import onnsight from 'onnsight/vite'
import { defineConfig } from 'vite'

export default defineConfig({
  plugins: [onnsight()],
  build: { ssr: 'src/main.ts', outDir: 'dist/vite', sourcemap: true, minify: false },
  ssr: { noExternal: true, external: ['onnxruntime-node'] },
})

import { defineConfig } from 'vite'

// Addresses are relative: the page lies under its token.
export default defineConfig({
  base: './',
  logLevel: 'warn',
  esbuild: { jsx: 'automatic', jsxImportSource: 'preact' },
  build: { outDir: '../../dist/view/page', emptyOutDir: true, target: 'es2022', modulePreload: false },
})

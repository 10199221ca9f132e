import { defineConfig } from 'vite'

// The page's files have relative addresses, because the page is served under its token.
export default defineConfig({
  base: './',
  logLevel: 'warn',
  esbuild: { jsx: 'automatic', jsxImportSource: 'preact' },
  build: { outDir: '../../dist/view/page', emptyOutDir: true, target: 'es2022', modulePreload: false },
})

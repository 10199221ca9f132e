import onnsight from 'onnsight/vite'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  plugins: [onnsight()],
  test: { include: ['vitest/*.test.ts'] },
})

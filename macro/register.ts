import { createRequire, register } from 'node:module'

// node --import onnsight/register file.ts
const { resolve } = createRequire(import.meta.url)
for (const name of ['@babel/core', '@babel/preset-typescript']) {
  try {
    resolve(name)
  } catch (cause) {
    throw new Error(
      'onnsight/register needs Babel. Do this: npm install --save-dev @babel/core @babel/preset-typescript',
      { cause },
    )
  }
}
register('./loader.js', import.meta.url)

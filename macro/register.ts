import { createRequire, register } from 'node:module'

// node --import onnsight/register file.ts
const require = createRequire(import.meta.url)
const names = ['@babel/core', '@babel/preset-typescript']
const [core, preset] = names.map(majorOf)
if (core !== preset)
  throw new Error(
    `onnsight/register found ${names[0]} ${core} and ${names[1]} ${preset}, which do not go together.\n` +
      `  Do this: npm install --save-dev ${names.map(name => `${name}@${core}`).join(' ')}`,
  )
register('./loader.js', import.meta.url)
// With source maps, stacks show the user's own lines.
process.setSourceMapsEnabled(true)

function majorOf(name: string): string {
  try {
    const { version } = require(`${name}/package.json`) as { version: string }
    return version.split('.')[0]
  } catch (cause) {
    throw new Error(`onnsight/register needs Babel.\n  Do this: npm install --save-dev ${names.join(' ')}`, { cause })
  }
}

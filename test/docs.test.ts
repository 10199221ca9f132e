import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import test from 'ava'
import * as api from 'onnsight'
import { forms } from './macro/expand.ts'

// Every TypeScript snippet of the README and the docs runs as it stands; those of errors.md are run by errors/catalogue.test.ts. What it does not declare itself comes from here.
const given: Readonly<Record<string, string>> = {
  model: "await load('examples/models/chars.onnx')",
  inputs: '{ input_ids: [[18, 47, 56, 57]] }',
  steer: 'new Float32Array(128).fill(0.1)',
}

const files = [
  'README.md',
  ...readdirSync('docs')
    .filter(name => name.endsWith('.md') && name !== 'errors.md')
    .map(name => `docs/${name}`),
]

for (const file of files) {
  const blocks = [...readFileSync(file, 'utf8').matchAll(/```ts\n([\s\S]*?)```/g)].map(found => found[1])
  for (const [i, code] of blocks.entries()) {
    test.serial(`${file}, snippet ${i + 1} runs`, async t => {
      const path = resolve(`test/.snippet-${file.replace(/\W/g, '-')}-${i + 1}.ts`)
      writeFileSync(path, complete(code))
      const log = console.log
      console.log = () => undefined
      try {
        await t.notThrowsAsync(import(pathToFileURL(path).href) as Promise<unknown>)
      } finally {
        console.log = log
        rmSync(path)
      }
    })
  }
}

function complete(code: string): string {
  const declares = (name: string): boolean =>
    new RegExp(`(const|let|import) (\\{[^}]*\\b${name}\\b[^}]*\\}|${name}\\b)`).test(code)
  const uses = (name: string): boolean => new RegExp(`(?<![.\\w])${name}\\b`).test(code) && !declares(name)
  const macro = forms.filter(uses)
  const names = Object.keys(api).filter(
    name => (uses(name) || name === 'load') && !macro.includes(name) && !declares(name),
  )
  const values = Object.entries(given).filter(([name]) => uses(name))
  return [
    `import { ${names.join(', ')} } from 'onnsight'`,
    `import { ${macro.join(', ')} } from 'onnsight/trace.macro'`,
    ...values.map(([name, value]) => `const ${name} = ${value}`),
    code,
    declares('model') || uses('model') ? 'await model.release()' : '',
  ].join('\n')
}

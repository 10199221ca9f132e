import type { Opening } from '../model/open-model.ts'
import type { Code, Comparing } from '../protocol/api.ts'
import { Refusal } from '../server/refusal.ts'
import type { WrittenInputs } from './inputs.ts'

/** A program that compares the same two models on the same inputs as the page. */
export function comparisonCode(
  opening: Opening,
  beside: Opening | undefined,
  { text, functions, notes }: WrittenInputs,
  comparing: Comparing | undefined,
): Code {
  if (!beside || !comparing)
    throw new Refusal(422, 'view-code', 'Nothing was compared yet.', 'choose the inputs, and press Compare')
  const isOwn = comparing.on === 'input'
  const used = isOwn ? functions : []
  const imports = new Set([opening.uses, beside.uses, ...used.filter(name => name !== 'readFile')])
  const inputs =
    comparing.on === 'texts'
      ? `[${(comparing.texts ?? []).map(one => `\n  ${JSON.stringify(one)},`).join('')}\n]`
      : text
  const lines = [
    ...(used.includes('readFile') ? ["import { readFile } from 'node:fs/promises'"] : []),
    `import { ${[...imports].sort().join(', ')} } from 'onnsight'`,
    "import { compare } from 'onnsight/compare'",
    '',
    `const a = ${opening.text}`,
    `const b = ${beside.text}`,
    ...(isOwn ? notes : []),
    ...(comparing.on === 'many' ? [] : [`const inputs = ${inputs}`]),
    `const found = await compare(a, b${comparing.on === 'many' ? '' : ', inputs'})`,
    'console.log(found)',
    'await a.release()',
    'await b.release()',
  ]
  return { typescript: `${lines.join('\n')}\n`, template: '' }
}

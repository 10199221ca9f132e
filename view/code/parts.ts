import type { Opening } from '../model/open-model.ts'
import { Refusal } from '../server/refusal.ts'
import type { WrittenInputs } from './inputs.ts'

/** The first lines of a program: its imports, the model, and notes about the inputs. */
export function beginning(
  opening: Opening,
  inputs: WrittenInputs,
  functions: readonly string[],
  imports: readonly string[] = [],
): string[] {
  const ownFunctions = inputs.functions.filter(name => name !== 'readFile')
  return [
    ...(inputs.functions.includes('readFile') ? ["import { readFile } from 'node:fs/promises'"] : []),
    `import { ${[opening.uses, ...ownFunctions, ...functions].sort().join(', ')} } from 'onnsight'`,
    ...imports,
    '',
    `const model = ${opening.text}`,
    ...inputs.notes,
  ]
}

/** The lines of a tagged template: the code before it, and its text. */
export const tagged = (start: string, text: string): string[] => [
  `${start}\``,
  ...text.split('\n').map(line => (line.trim() === '' ? '' : `  ${line}`)),
  '`',
]

/** @throws Refusal for an edit that can't be the text of a template in TypeScript */
export function assertFitsTemplate(edit: string): void {
  if (/`|\$\{/.test(edit))
    throw new Refusal(
      422,
      'view-code',
      'The edit contains ` or ${, which end the text of a template in TypeScript.',
      'remove them, and run the edit again',
    )
}

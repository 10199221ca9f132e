import type { OnnsightError } from '../../runtime/errors/error.ts'

/** Rows of an error's code, a pattern of its fix, and what replaces that pattern. */
type Replacements = readonly (readonly [code: string, pattern: RegExp, replacement: string])[]

/** Fixes written in TypeScript, and what a person types instead in a shell or in the template language. */
const inShell: Replacements = [
  [
    'input',
    /^pass (?:.*: )?\{ '?([^':]+)'?: \[\[.*$/,
    "pass it, with one row for each prompt: --input '$1=[[464, 3290]]'",
  ],
  [
    'input',
    /^pass (?:.*: )?\{ '?([^':]+)'?: .*$/,
    "pass it: --input '$1=[[1, 2, 3]]', or pass a file: --input $1=values.npy",
  ],
  ['cuda-unavailable', /or allow the CPU: .*$/, 'or leave out --provider cuda'],
  ['template-syntax', /,? ?(or )?use an arrow function instead of a template/, ''],
  ['unknown-shape', /^ask for the value first: .*$/, 'print it first: print(h)'],
]

const inConsole: Replacements = [['input', /^pass (?:.*: )?\{ '?([^':]+)'?: .*$/, '.inputs {"$1": [[1, 2, 3]]}']]

/** The message of an error, with a fix for a shell. */
export const messageInShell = (error: OnnsightError): string => withFix(error, inShell)

/** The message of an error, with a fix for `onnsight repl`. */
export const messageInConsole = (error: OnnsightError): string => withFix(error, [...inConsole, ...inShell])

function withFix({ message, code, fix }: OnnsightError, replacements: Replacements): string {
  if (fix === undefined) return message
  const replaced = replacements.reduce(
    (text, [forCode, pattern, replacement]) => (forCode === code ? text.replace(pattern, replacement) : text),
    fix,
  )
  return replaced === fix
    ? message
    : message.replace(`\n  Do this: ${fix}`, () => (replaced === '' ? '' : `\n  Do this: ${replaced}`))
}

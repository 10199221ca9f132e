import type { OnnsightError } from '../../runtime/errors/error.ts'

type Advice = readonly (readonly [code: string, found: RegExp, inShell: string])[]

/** Replaces fixes written in TypeScript by what a person types in a shell or in the template language. */
const advice: Advice = [
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
  ['shape', /console\.log\(h\.dims\)/, 'print(h.shape)'],
  ['unknown-shape', /^ask for the value first: .*$/, 'print it first: print(h)'],
]

const inConsole: Advice = [['input', /^pass (?:.*: )?\{ '?([^':]+)'?: .*$/, '.inputs {"$1": [[1, 2, 3]]}']]

/** The message of an error, with advice for a shell. */
export const messageInShell = (error: OnnsightError): string => withAdvice(error, advice)

/** The message of an error, with advice for `onnsight repl`. */
export const messageInConsole = (error: OnnsightError): string => withAdvice(error, [...inConsole, ...advice])

function withAdvice({ message, code, fix }: OnnsightError, advice: Advice): string {
  if (fix === undefined) return message
  const replaced = advice.reduce(
    (text, [of, found, inShell]) => (of === code && found.test(text) ? text.replace(found, inShell) : text),
    fix,
  )
  return replaced === fix
    ? message
    : message.replace(`\n  Do this: ${fix}`, () => (replaced === '' ? '' : `\n  Do this: ${replaced}`))
}

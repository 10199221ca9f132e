import type { OnnsightError } from '../../runtime/errors/error.ts'

type Advice = readonly (readonly [code: string, found: RegExp, inShell: string])[]

/** What to do, of an error that is told to who types into a shell, or in the template language: nothing is to be written in TypeScript there. */
const advice: Advice = [
  ['input', /^pass (?:.*: )?\{ '?([^':]+)'?: \[\[.*$/, "give it: --input '$1=[[464, 3290]]': one row for each prompt"],
  [
    'input',
    /^pass (?:.*: )?\{ '?([^':]+)'?: .*$/,
    "give it: --input '$1=[[1, 2, 3]]', or a file: --input $1=values.npy",
  ],
  ['cuda-unavailable', /or allow the CPU: .*$/, 'or leave out --provider cuda'],
  ['template-syntax', /,? ?(or )?use an arrow function instead of a template/, ''],
  ['shape', /console\.log\(h\.dims\)/, 'print(h.shape)'],
  ['unknown-shape', /^ask for the value first: .*$/, 'print it first: print(h)'],
]

const inConsole: Advice = [['input', /^pass (?:.*: )?\{ '?([^':]+)'?: .*$/, '.inputs {"$1": [[1, 2, 3]]}']]

/** An error's message as a command tells it. */
export const messageInShell = (error: OnnsightError): string => withAdvice(error, advice)

/** The same in `onnsight repl`. */
export const messageInConsole = (error: OnnsightError): string => withAdvice(error, [...inConsole, ...advice])

function withAdvice({ message, code, fix }: OnnsightError, advice: Advice): string {
  if (fix === undefined) return message
  const due = advice.reduce(
    (text, [of, found, inShell]) => (of === code && found.test(text) ? text.replace(found, inShell) : text),
    fix,
  )
  return due === fix ? message : message.replace(`\n  Do this: ${fix}`, () => (due === '' ? '' : `\n  Do this: ${due}`))
}

import { existsSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { inspect } from 'node:util'
import { type Inputs, type Model, OnnsightError } from '../../runtime/index.ts'
import { isUnfinished, TemplateConsole } from '../../runtime/template/console.ts'
import { messageInConsole } from '../shared/shell-advice.ts'
import { type Command, commands } from './commands.ts'
import { summary } from './summary.ts'

export interface ReplOptions {
  readonly inputs?: Inputs
  readonly input?: NodeJS.ReadableStream
  readonly output?: NodeJS.WritableStream
  /** The file that keeps the entries for the next time; without it, entries are not kept. */
  readonly history?: string
}

const PROMPT = '> '
const MORE = '… '

/** Runs the console until the user leaves it, or until its input ends. */
export async function runRepl(model: Model, options: ReplOptions = {}): Promise<void> {
  const { input = process.stdin, output = process.stdout, history } = options
  const terminal = (output as NodeJS.WriteStream).isTTY === true
  const write = (text: string): void => void output.write(`${text}\n`)
  const print = (...values: unknown[]): void => write(values.map(show).join(' '))
  const unread = (): void =>
    write(
      'Nothing reads what this writes, and a write affects its own entry only.\n  Do this: read a value in the same entry, after a semicolon; or keep the write with .edit',
    )
  const console = new TemplateConsole(model, { print, show: print, unread }, options.inputs)
  write(`${model.name} · ${model.nodeNames.length} nodes · the template language: transformer.h[1].output[:, -1]`)
  write('.inputs JSON sets the model’s inputs, .tree shows its modules, .help lists all commands, .exit leaves')

  const lines = createInterface({
    input,
    output,
    terminal,
    prompt: PROMPT,
    completer: (line: string) => complete(console, line),
    history: history !== undefined && existsSync(history) ? readFileSync(history, 'utf8').split('\n') : [],
    historySize: 1000,
    removeHistoryDuplicates: true,
  })
  let entry = ''
  let isOver = false
  let wasInterrupted = false
  const handleLine = async (line: string): Promise<void> => {
    if (isOver) return
    wasInterrupted = false
    const text = entry === '' ? asCommand(line.trim(), console) : line
    if (text === '.exit') {
      isOver = true
      return lines.close()
    }
    if (entry === '' && /^\.[a-z]/.test(text)) await command(console, text, write)
    else {
      entry += `${line}\n`
      if (isUnfinished(entry)) return
      const text = entry.trimEnd()
      entry = ''
      await run(console, text, write)
    }
  }
  // An entry runs when the entries before it have ended.
  let queue = Promise.resolve()
  const prompt = (): void => {
    if (isOver) return
    lines.setPrompt(entry === '' ? PROMPT : MORE)
    lines.prompt()
  }
  lines.on('line', line => {
    queue = queue.then(() => handleLine(line)).then(prompt)
  })
  // As in Node's console, Ctrl+C discards a half-typed entry and keeps the variables. If nothing is typed, the second Ctrl+C leaves.
  lines.on('SIGINT', () => {
    const isEmpty = entry === '' && lines.line === ''
    if (isEmpty && wasInterrupted) return lines.close()
    wasInterrupted = isEmpty
    entry = ''
    lines.write(null, { ctrl: true, name: 'e' })
    lines.write(null, { ctrl: true, name: 'u' })
    write(isEmpty ? '\n(Press Ctrl+C again to leave; exit and Ctrl+D leave too)' : '')
    prompt()
  })
  // One write at a time: an earlier one that ended later would lose the last entry.
  let kept = Promise.resolve()
  if (history !== undefined)
    lines.on('history', (all: string[]) => {
      const text = all.join('\n')
      kept = kept.then(() => writeFile(history, text)).catch(() => undefined)
    })
  prompt()
  await new Promise<void>(resolve => lines.once('close', resolve))
  await Promise.all([queue, kept])
  // If the input ends in the middle of an entry, run that entry too.
  if (entry !== '') await run(console, entry, write)
}

async function run(console: TemplateConsole, text: string, write: (text: string) => void): Promise<void> {
  if (text.trim() === '') return
  try {
    const names = await console.run(text)
    for (const name of names) write(`${name}: ${summary(console.variables.get(name))}`)
  } catch (error) {
    // The stack inside onnsight does not help a user, so show only the message.
    write(error instanceof OnnsightError ? messageInConsole(error) : String((error as Error).stack ?? error))
  }
}

async function command(console: TemplateConsole, line: string, write: (text: string) => void): Promise<void> {
  const [, name, text] = /^\.(\w+)\s*(.*)$/.exec(line) ?? []
  const found = (commands as Readonly<Record<string, Command>>)[name]
  try {
    if (name === 'help') write(help())
    else if (found) write(await found.run(console, text))
    else write(`There is no .${name}.\n${help()}`)
  } catch (error) {
    write(error instanceof OnnsightError ? messageInConsole(error) : (error as Error).message)
  }
}

function help(): string {
  const all = [...Object.entries(commands), ['exit', { help: 'Leave the console; Ctrl+D does so too' }] as const]
  return all.map(([name, { help }]) => `.${name.padEnd(10)} ${help}`).join('\n')
}

function complete(console: TemplateConsole, line: string): [string[], string] {
  if (!/^\.\w*$/.test(line)) return console.complete(line)
  const words = [...Object.keys(commands), 'help', 'exit'].map(name => `.${name}`)
  return [words.filter(word => word.startsWith(line)), line]
}

/** Accepts `exit` and `help` without a dot, as in other consoles, unless the model or a variable has that name. */
function asCommand(text: string, { model, variables }: TemplateConsole): string {
  const word = /^\.?(exit|quit|help)(\(\))?$/.exec(text)?.[1]
  if (word === undefined || variables.has(word) || (!text.startsWith('.') && word in model)) return text
  return word === 'help' ? '.help' : '.exit'
}

const show = (value: unknown): string => (typeof value === 'string' ? value : inspect(value))

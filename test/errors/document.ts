import { rmSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import * as api from 'onnsight'
import * as comparing from 'onnsight/compare'
import * as harvesting from 'onnsight/harvest'
import * as serving from 'onnsight/serve'
import * as studies from 'onnsight/study'
import * as sweeping from 'onnsight/sweep'
import { forms } from '../macro/expand.ts'
import { catalogue, type Entry } from './catalogue.ts'
import * as given from './given.ts'
import { closeBrowser, type Raised, raiseInBrowser } from './in-browser.ts'

/** Runs a program of the catalogue. Returns what it throws; undefined if it ends. Its file is in a folder from which it can import `given.ts`. */
export async function raise(code: string): Promise<Raised | undefined> {
  if (catalogue[code].where === 'browser') return raiseInBrowser(catalogue[code].program)
  const path = resolve(`test/errors/.example-${code}.ts`)
  writeFileSync(path, complete(catalogue[code].program))
  try {
    await import(pathToFileURL(path).href)
    return undefined
  } catch (error) {
    return error as Error
  } finally {
    rmSync(path)
  }
}

/** Adds imports after the program, which stays at the file's first line, because imports may be anywhere. */
function complete(program: string): string {
  const uses = (name: string): boolean => new RegExp(`(?<![.\\w'/])\\b${name}\\b(?!['/:])`).test(program)
  const macro = forms.filter(uses)
  const own = Object.keys(given).filter(uses)
  const names = [...Object.keys(api), 'type Model'].filter(
    name => !macro.includes(name) && !own.includes(name) && uses(name.replace('type ', '')),
  )
  return `${program}





import { ${names.join(', ')} } from 'onnsight'
import { ${Object.keys(comparing).filter(uses).join(', ')} } from 'onnsight/compare'
import { ${Object.keys(harvesting).filter(uses).join(', ')} } from 'onnsight/harvest'
import { ${Object.keys(serving).filter(uses).join(', ')} } from 'onnsight/serve'
import { ${Object.keys(studies).filter(uses).join(', ')} } from 'onnsight/study'
import { ${Object.keys(sweeping).filter(uses).join(', ')} } from 'onnsight/sweep'
import { ${macro.join(', ')} } from 'onnsight/trace.macro'
import { ${own.join(', ')} } from './given.ts'
`
}

/** The message without the parts that differ from machine to machine. */
export function plain(code: string, message: string): string {
  return message
    .replaceAll(new RegExp(`(file://)?(${process.cwd()}/)?test/errors/\\.example-${code}\\.ts`, 'g'), 'example.ts')
    .replaceAll(/\/(?:\w+\/)*onnsight-(hand|catalogue)-\w+\//g, 'models/')
    .replaceAll(`${process.cwd()}/\n`, 'project/\n')
    .replaceAll(/http:\/\/localhost:\d+\//g, 'https://example.org/')
    .replaceAll(`${process.cwd()}/`, '')
    .replaceAll(/<onnsight \d+>/g, '<onnsight 1>')
    .replaceAll(/That folder has [^\n]*/g, 'That folder has …')
}

/** The text of docs/errors.md, with the errors that the programs raise. */
export async function document(): Promise<string> {
  const parts = [
    '# Errors\n\nEvery error that onnsight throws is an `OnnsightError`. It has a stable `error.code`, a message, `error.fix` with what to do, and, if a line of',
    'a block caused it, `error.at` with that line in your own file. Your own exceptions pass through a trace unchanged. `npm run errors` makes this',
    'page by running its programs.\n',
  ]
  for (const code of Object.keys(catalogue).sort()) {
    const error = await raise(code)
    if (error?.code !== code)
      throw new Error(`${code}: the program raised ${error?.code ?? error?.message ?? 'nothing'}`)
    parts.push(section(code, catalogue[code], error))
  }
  await closeBrowser()
  return parts.join('\n')
}

export function section(code: string, { means, program }: Entry, error: Raised): string {
  const text = `${error.name}: ${error.message}`
  return `## \`${code}\`\n\n${means}\n\n\`\`\`ts\n${program}\n\`\`\`\n\n\`\`\`\n${plain(code, text)}\n\`\`\`\n`
}

import { randomUUID } from 'node:crypto'
import { rmSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

/** Runs a program that the page wrote, and returns some of its variables and its output. */
export async function runProgram<R>(
  code: string,
  names: readonly string[],
): Promise<R & { readonly printed: readonly unknown[] }> {
  const file = resolve(`test/.copied-${randomUUID()}.ts`)
  writeFileSync(file, `${code}\nexport { ${names.join(', ')} }\n`)
  const { log } = console
  const printed: unknown[] = []
  console.log = (...values) => void printed.push(values.length === 1 ? values[0] : values)
  try {
    return { ...((await import(pathToFileURL(file).href)) as R), printed }
  } finally {
    console.log = log
    rmSync(file)
  }
}

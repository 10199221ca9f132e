import { rmSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { model } from './shared-model.ts'

/* Runs the programs that the tests also lint, to see whether they really throw the error. */

export const head = `import { load } from 'onnsight'
import { assert, edit, invoke, print, save, scan, session, skip, stop, trace } from 'onnsight/trace.macro'
const model = await load('examples/models/chars.onnx')
const inputs = { input_ids: [[18, 47, 56, 57]] }
`

/** The head for running a program. All programs share one model, so that it is loaded only once. */
const running = head
  .replace("import { load } from 'onnsight'", "import { model } from './shared-model.ts'")
  .replace(/^const model = .*\n/m, '')

/** Runs a program below `head` and returns the code of the error that it throws; undefined if it throws none. */
export async function outcome(code: string, name: string): Promise<string | undefined> {
  const path = resolve(`test/eslint/.program-${name.replace(/\W+/g, '-')}.ts`)
  writeFileSync(path, running + code)
  try {
    await import(pathToFileURL(path).href)
    return undefined
  } catch (error) {
    const { code: errorCode, message } = error as { code?: string; message: string }
    return errorCode ?? message
  } finally {
    rmSync(path)
    model.clearEdits()
  }
}

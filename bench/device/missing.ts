import { spawnSync } from 'node:child_process'
import type { Part } from './report.ts'

const PROGRAM = `
import { load } from 'onnsight'
try {
  await load('examples/models/chars.onnx', { provider: 'cuda' })
  console.log('loaded')
} catch (error) {
  console.log(error.name + ': ' + error.message)
}
`

/** The error that a user gets if CUDA's libraries can't be found. */
export async function missing(): Promise<Part> {
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', PROGRAM], {
    encoding: 'utf8',
    env: { ...process.env, LD_LIBRARY_PATH: '' },
  })
  return { head: ['without CUDA’s libraries, load() says'], rows: [[(stdout || stderr).trim().slice(0, 1000)]] }
}

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isAtLeast } from '../../../macro/bundlers/is-at-least.ts'
import { type Finding, fail, ok } from '../finding.ts'
import type { Project } from '../project.ts'

/** Checks whether onnsight runs on this version of Node. */
export function checkNode({ onnsight }: Project, version = process.versions.node): Finding {
  const text = readFileSync(join(onnsight.folder, 'package.json'), 'utf8')
  const oldest = (JSON.parse(text) as { engines: { node: string } }).engines.node.replace(/^>=/, '')
  if (isAtLeast(version, oldest)) return ok('node', `Node ${version}`)
  return fail(
    'node',
    `This is Node ${version}, but onnsight needs ${oldest}.`,
    `install Node ${oldest} or newer: https://nodejs.org`,
  )
}

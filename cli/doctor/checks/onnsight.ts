import { relative } from 'node:path'
import { type Finding, fail, ok, warn } from '../finding.ts'
import type { Project } from '../project.ts'

/** Checks that the project has exactly one copy of onnsight, because one copy does not recognise another one's tensors. */
export function checkOnnsight({ folder, onnsight, hasOnnsight, copies, manager }: Project): Finding {
  const all = copies.filter(({ name }) => name === 'onnsight')
  if (all.length > 1) {
    const list = all.map(copy => `  ${copy.version}  ${relative(folder, copy.folder) || '.'}`).join('\n')
    return fail('onnsight', `onnsight is installed ${all.length} times:\n${list}`, manager.dedupe('onnsight'))
  }
  if (hasOnnsight) return ok('onnsight', `onnsight ${onnsight.version}`)
  return warn(
    'onnsight',
    `onnsight is not installed in ${folder}; this command is onnsight ${onnsight.version} in ${onnsight.folder}.`,
    manager.install('onnsight'),
  )
}

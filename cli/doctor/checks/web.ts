import { isAtLeast } from '../../../macro/bundlers/is-at-least.ts'
import { LEAST_RUNTIME } from '../../../runtime/engine/providers/least-version.ts'
import { type Finding, fail, ok, warn } from '../finding.ts'
import { findPackage } from '../packages.ts'
import type { Project } from '../project.ts'

/** Checks whether onnxruntime-web is installed, in the same version as onnxruntime-node. */
export function checkWeb({ folder, onnsight, manager }: Project): Finding {
  const check = 'onnxruntime-web'
  const web = findPackage(check, folder)
  if (!web) return ok(check, 'onnxruntime-web: not installed; only browsers need it')
  if (!isAtLeast(web.version, LEAST_RUNTIME))
    return fail(
      check,
      `onnxruntime-web ${web.version} is installed, but onnsight needs ${LEAST_RUNTIME} or newer.`,
      manager.install(`${check}@^${LEAST_RUNTIME}.0`),
    )
  const node = findPackage('onnxruntime-node', onnsight.folder)
  const minor = (version: string): string => version.split('.').slice(0, 2).join('.')
  if (!node || minor(node.version) === minor(web.version)) return ok(check, `onnxruntime-web ${web.version}`)
  return warn(
    check,
    `onnxruntime-web has version ${web.version}, but onnxruntime-node has ${node.version}: results may differ.`,
    manager.install(`${check}@${minor(node.version)}`),
  )
}

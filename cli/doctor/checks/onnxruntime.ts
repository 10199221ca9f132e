import { isAtLeast } from '../../../macro/bundlers/is-at-least.ts'
import { LEAST_RUNTIME } from '../../../runtime/engine/providers/least-version.ts'
import { runScript } from '../child.ts'
import { type Finding, fail, ok } from '../finding.ts'
import { findPackage } from '../packages.ts'
import type { Project } from '../project.ts'

/** The answer of probe.js. */
export interface Probe {
  readonly works: boolean
  readonly reason?: string
}

/** Checks that onnxruntime-node is installed and runs a session on the CPU. */
export async function checkOnnxruntime({ onnsight, folder, manager }: Project): Promise<Finding> {
  const check = 'onnxruntime-node'
  const found = findPackage(check, onnsight.folder)
  if (!found) return fail(check, 'onnxruntime-node is not installed.', manager.install(check))
  if (!isAtLeast(found.version, LEAST_RUNTIME))
    return fail(
      check,
      `onnxruntime-node ${found.version} is installed, but onnsight needs ${LEAST_RUNTIME} or newer.`,
      manager.install(`${check}@^${LEAST_RUNTIME}.0`),
    )
  const { answer, end } = await runScript('probe', [onnsight.folder, 'cpu'], folder)
  const { works, reason } = (answer as Probe | undefined) ?? { works: false, reason: end }
  if (!works) {
    const [first] = (reason ?? end).split('\n')
    return fail(
      check,
      `onnxruntime-node ${found.version} does not work on ${process.platform}/${process.arch}: ${first}`,
      `${manager.reinstall(check)}; it has binaries for Linux, macOS (arm64) and Windows, not for Alpine`,
    )
  }
  return ok(check, `onnxruntime-node ${found.version}: a session runs on the CPU`)
}

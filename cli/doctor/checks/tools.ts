import { isAtLeast } from '../../../macro/bundlers/is-at-least.ts'
import { type Finding, ok, warn } from '../finding.ts'
import { leastVersions } from '../least.ts'
import { findPackage } from '../packages.ts'
import type { Project } from '../project.ts'

const check = 'tools'

/** Whether the project's build tools and test runners are as new as onnsight needs: one finding for each that is not. */
export function checkTools({ folder, manager }: Project): Finding[] {
  const found = Object.keys(leastVersions).flatMap(name => findPackage(name, folder) ?? [])
  const old = found.filter(({ name, version }) => !isAtLeast(version, leastVersions[name] ?? '0'))
  if (old.length === 0)
    return [ok(check, `Tools: ${found.map(({ name, version }) => `${name} ${version}`).join(', ') || 'none'}`)]
  return old.map(({ name, version }) =>
    warn(
      check,
      `${name} ${version}: onnsight works from ${leastVersions[name]} on.`,
      manager.installDev(`${name}@latest`),
    ),
  )
}

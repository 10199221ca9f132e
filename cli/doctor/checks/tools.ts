import { isAtLeast } from '../../../macro/bundlers/is-at-least.ts'
import { type Finding, ok, warn } from '../finding.ts'
import { oldestVersions } from '../oldest-versions.ts'
import { findPackage } from '../packages.ts'
import type { Project } from '../project.ts'

const check = 'tools'

/** Checks whether the project's build tools and test runners are new enough. Returns a finding for each that is not. */
export function checkTools({ folder, manager }: Project): Finding[] {
  const found = Object.keys(oldestVersions).flatMap(name => findPackage(name, folder) ?? [])
  const old = found.filter(({ name, version }) => !isAtLeast(version, oldestVersions[name] ?? '0'))
  if (old.length === 0)
    return [ok(check, `Tools: ${found.map(({ name, version }) => `${name} ${version}`).join(', ') || 'none'}`)]
  return old.map(({ name, version }) =>
    warn(
      check,
      `${name} ${version} is too old: onnsight needs ${oldestVersions[name]} or newer.`,
      manager.installDev(`${name}@latest`),
    ),
  )
}

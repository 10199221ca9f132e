import { Project } from './project.ts'
import { tools } from './tools.ts'

const opened = new Map<string, Promise<Project>>()

/** A project that is installed once. The first use installs all projects at the same time, because that takes most of the time. */
export function open(name: string): Promise<Project> {
  for (const { project } of tools) {
    if (opened.has(project)) continue
    const opening = Project.open(project)
    opening.catch(() => undefined)
    opened.set(project, opening)
  }
  return opened.get(name) as Promise<Project>
}

export const removeAll = (): void => Project.removeAll()

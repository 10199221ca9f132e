import { checkBabel } from './checks/babel.ts'
import { checkCache } from './checks/cache.ts'
import { checkCuda } from './checks/cuda.ts'
import { checkNext, isNext } from './checks/next.ts'
import { checkNode } from './checks/node.ts'
import { checkOnnsight } from './checks/onnsight.ts'
import { checkOnnxruntime } from './checks/onnxruntime.ts'
import { checkTools } from './checks/tools.ts'
import { checkWeb } from './checks/web.ts'
import type { Finding } from './finding.ts'
import { openProject } from './project.ts'

/** What `onnsight doctor --json` prints; docs/command-line.md describes it. */
export interface Diagnosis {
  readonly version: 1
  readonly project: string
  readonly findings: readonly Finding[]
}

/** Checks everything that a project needs. @throws CommandError if the path is not a folder */
export async function diagnose(folder: string): Promise<Diagnosis> {
  const project = openProject(folder)
  const findings = [
    checkNode(project),
    checkOnnsight(project),
    await checkOnnxruntime(project),
    await checkCuda(project),
    checkWeb(project),
    ...(await (isNext(project) ? checkNext(project) : checkBabel(project))),
    ...checkTools(project),
    await checkCache(),
  ]
  return { version: 1, project: project.folder, findings }
}

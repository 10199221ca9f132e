import { compilers } from './compilers.ts'
import { MatrixPart } from './matrix-part.ts'
import type { Tool } from './tools.ts'
import { tools } from './tools.ts'

/** The tools with which the projects beside this file were run. */
export const matrix = new MatrixPart(
  'Build tools, Babel, Node, tests and types',
  'test/consumers/consumers.test.ts',
  [...tools, ...compilers].map(({ name, packages, project }) => ({
    name,
    packages,
    lockfile: `test/consumers/${project}/package-lock.json`,
  })),
)

/** Notes a run with a tool that passed. */
export const record = ({ name }: Pick<Tool, 'name'>, what: string): void => matrix.record(name, what)

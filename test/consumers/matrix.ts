import { compilers } from './compilers.ts'
import { MatrixPart } from './matrix-part.ts'
import type { Tool } from './tools.ts'
import { tools } from './tools.ts'

/** What the projects beside this file have been run with. */
export const matrix = new MatrixPart(
  'Build tools, Babel, Node, tests and types',
  'test/consumers/consumers.test.ts',
  [...tools, ...compilers].map(({ name, packages, project }) => ({
    name,
    packages,
    lockfile: `test/consumers/${project}/package-lock.json`,
  })),
)

/** Notes what has been run with a tool, and has come out right. */
export const record = ({ name }: Pick<Tool, 'name'>, what: string): void => matrix.record(name, what)

import type { Tool } from './tools.ts'

/** A version of TypeScript, and the ways in which it can find a package. */
export interface Compiler extends Pick<Tool, 'name' | 'packages' | 'project'> {
  readonly resolutions: readonly Resolution[]
  /** Whether this version rejects types of onnsight's dependencies unless it is told to skip them. */
  readonly needsSkipLibCheck?: true
}

type Resolution = 'node' | 'node16' | 'nodenext' | 'bundler'

const version = (number: string, resolutions: readonly Resolution[]): Compiler => ({
  name: `TypeScript ${number}`,
  packages: [`typescript-${number}`],
  project: 'typescript',
  resolutions,
  ...(Number(number) < 5.7 ? { needsSkipLibCheck: true } : {}),
})

export const compilers: readonly Compiler[] = [
  version('4.9', ['node']),
  version('5.0', ['bundler']),
  version('5.9', ['nodenext']),
  version('6.0', ['node16']),
  version('7.0', ['nodenext', 'bundler']),
]

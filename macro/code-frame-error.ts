import type { NodePath } from './babel.ts'

/** What to throw where something in the user's file is wrong: with a code frame, and with its place for tools that show it their own way. */
export function failAt(path: NodePath, message: string, ErrorClass: new (message: string) => Error = Error): Error {
  return Object.assign(path.buildCodeFrameError(message, ErrorClass as ErrorConstructor), { loc: path.node.loc?.start })
}

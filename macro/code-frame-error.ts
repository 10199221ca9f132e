import type { NodePath } from './babel.ts'

/** Makes an error about a place in the user's file: with a code frame, and with the place as data for tools that show it their own way. */
export function failAt(path: NodePath, message: string, ErrorClass: new (message: string) => Error = Error): Error {
  return Object.assign(path.buildCodeFrameError(message, ErrorClass as ErrorConstructor), { loc: path.node.loc?.start })
}

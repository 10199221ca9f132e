import type { NodePath, types } from './babel.ts'

/** Moves the position of a template's piece to one of its characters, so that a code frame for the path points there. */
export function pathAtOffset(quasi: NodePath<types.TemplateElement>, offset: number): NodePath {
  const { loc } = quasi.node
  if (loc) {
    const before = quasi.node.value.raw.slice(0, offset).split('\n')
    const line = loc.start.line + before.length - 1
    const column = before.length > 1 ? before.at(-1)!.length : loc.start.column + offset
    quasi.node.loc = { ...loc, start: { ...loc.start, line, column }, end: { ...loc.start, line, column: column + 1 } }
  }
  return quasi
}

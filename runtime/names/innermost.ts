/** The names on a module's path: `['h', '0']` of `h.0`, none for the model itself. */
export const partsOf = (path: string): string[] => (path === '' ? [] : path.split('.'))

/** The path of the innermost module that contains every module of `paths`. */
export function innermostPath(paths: readonly (readonly string[])[]): readonly string[] {
  let shared = paths[0]
  for (const path of paths) {
    const firstDifference = shared.findIndex((name, depth) => name !== path[depth])
    if (firstDifference >= 0) shared = shared.slice(0, firstDifference)
  }
  return shared
}

/** A file's path as it may be sent: below the working folder, or its name alone. A recording tells nobody how its maker's machine is set up. */
export function shownPath(file: string): string {
  const path = file.replace(/^file:\/\//, '').replaceAll('\\', '/')
  if (!/^(\/|[A-Za-z]:\/)/.test(path)) return path
  const folder = globalThis.process?.cwd?.().replaceAll('\\', '/')
  return folder && path.startsWith(`${folder}/`) ? path.slice(folder.length + 1) : path.slice(path.lastIndexOf('/') + 1)
}

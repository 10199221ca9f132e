/** A file's path relative to the working folder, or its name only, so that a recording that is sent does not reveal its author's folders. */
export function displayPath(file: string): string {
  const path = file.replace(/^file:\/\//, '').replaceAll('\\', '/')
  if (!/^(\/|[A-Za-z]:\/)/.test(path)) return path
  const folder = globalThis.process?.cwd?.().replaceAll('\\', '/')
  return folder && path.startsWith(`${folder}/`) ? path.slice(folder.length + 1) : path.slice(path.lastIndexOf('/') + 1)
}

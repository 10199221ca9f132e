// This does not use new URL('../', import.meta.url): bundlers would copy a file for it, also if it is in a variable.
const moduleUrl = import.meta.url
/** Whether this module is in a bundle. Then it does not lie in its room's folder, and the files beside it are the user's. */
const isBundled = !/\/runtime\/errors\/own-frames\.[jt]s$/.test(moduleUrl)
/** `own` is this package's folder, and `rooms` are the folders in it whose frames are of no use to the user. */
const own = moduleUrl.replace(/(dist\/)?runtime\/errors\/own-frames\.[jt]s$/, '')
const rooms = ['runtime/', 'language/', 'testing/', 'study/', 'compare/', 'harvest/', 'sweep/', 'queue/', 'serve/']
const folders = isBundled
  ? ['/node_modules/onnsight/']
  : // With source maps frames carry the sources' names, which lie beside dist/.
    rooms.flatMap(room => [`${own}dist/${room}`, own + room]).flatMap(url => [url, ...pathsOf(url)])

/** Whether a line of a stack is this package's own, and not the user's. */
export function isOwnFrame(line: string): boolean {
  return /^\s+at /.test(line) && folders.some(folder => line.includes(folder))
}

/** The place that a line of a stack names. */
export interface FramePlace {
  /** A path, or an address if it is no file's. */
  readonly file: string
  readonly line: number
  readonly column: number
}

/** The place that a line of a stack names, `at f (FILE:1:2)` or `at async FILE:1:2`; undefined if it names no file. */
export function placeOf(line: string): FramePlace | undefined {
  const found = /^\s+at .*? \((.+):(\d+):(\d+)\)$/.exec(line) ?? /^\s+at (?:async )?(.+):(\d+):(\d+)$/.exec(line)
  if (!found) return undefined
  const [, file, row, column] = found
  return { file: file.startsWith('file:') ? pathsOf(file).at(-1)! : file, line: Number(row), column: Number(column) }
}

/** The forms in which a stack may write a file's address with source maps: as a path, on Windows also with backslashes. */
function pathsOf(url: string): string[] {
  if (!url.startsWith('file://')) return []
  const path = decodeURIComponent(url.slice('file://'.length))
  return /^\/[a-z]:/i.test(path) ? [path.slice(1), path.slice(1).replaceAll('/', '\\')] : [path]
}

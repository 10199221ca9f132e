// No new URL('../', import.meta.url): bundlers take that for a file to be copied, also through a variable.
const moduleUrl = import.meta.url
/** In a bundle this module lies in no room of its own, and what lies beside the bundle is the user's. */
const isBundled = !/\/runtime\/errors\/own-frames\.[jt]s$/.test(moduleUrl)
/** This package's folder, and the rooms in it whose frames tell the user nothing. */
const own = moduleUrl.replace(/(dist\/)?runtime\/errors\/own-frames\.[jt]s$/, '')
const rooms = ['runtime/', 'language/', 'testing/', 'study/']
const folders = isBundled
  ? ['/node_modules/onnsight/']
  : // With source maps frames carry the sources' names, which lie beside dist/.
    rooms.flatMap(room => [`${own}dist/${room}`, own + room]).flatMap(url => [url, ...pathsOf(url)])

/** Whether a line of a stack is this package's, and so none of the user's. */
export function isOwnFrame(line: string): boolean {
  return /^\s+at /.test(line) && folders.some(folder => line.includes(folder))
}

/** A place that a line of a stack names. */
export interface FramePlace {
  /** A path, or an address that is none of a file. */
  readonly file: string
  readonly line: number
  readonly column: number
}

/** Where the code of a line of a stack stands: `at f (FILE:1:2)`, `at async FILE:1:2`; undefined where it names no file. */
export function placeOf(line: string): FramePlace | undefined {
  const found = /^\s+at .*? \((.+):(\d+):(\d+)\)$/.exec(line) ?? /^\s+at (?:async )?(.+):(\d+):(\d+)$/.exec(line)
  if (!found) return undefined
  const [, file, row, column] = found
  return { file: file.startsWith('file:') ? pathsOf(file).at(-1)! : file, line: Number(row), column: Number(column) }
}

/** How a stack may write a file's address where source maps are on: as a path, on Windows with its own separators. */
function pathsOf(url: string): string[] {
  if (!url.startsWith('file://')) return []
  const path = decodeURIComponent(url.slice('file://'.length))
  return /^\/[a-z]:/i.test(path) ? [path.slice(1), path.slice(1).replaceAll('/', '\\')] : [path]
}

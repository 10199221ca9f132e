// No new URL('../', import.meta.url): bundlers take that for a file to be copied, also through a variable.
const here = import.meta.url
/** In a bundle this module lies in no room of its own, and what lies beside the bundle is the user's. */
const isBundled = !/\/runtime\/errors\/own-frames\.[jt]s$/.test(here)
/** This package's folder; with source maps its frames carry the sources' names, which lie beside dist/. */
const own = here.replace(/errors\/own-frames\.[jt]s$/, '')
const folders = isBundled
  ? ['/node_modules/onnsight/']
  : [own, own.replace(/\/dist\/runtime\/$/, '/runtime/')].flatMap(url => [url, url.replace(/^file:\/\//, '')])

/** Whether a line of a stack is this package's, and so none of the user's. */
export function isOwnFrame(line: string): boolean {
  return /^\s+at /.test(line) && folders.some(folder => line.includes(folder))
}

/** This package's folder; with source maps its frames carry the sources' names, which lie beside dist/. */
const own = new URL('../', import.meta.url).href
const folders = [own, own.replace(/\/dist\/runtime\/$/, '/runtime/')].flatMap(url => [
  url,
  url.replace(/^file:\/\//, ''),
])

/** Whether a line of a stack is this package's, and so none of the user's. */
export function isOwnFrame(line: string): boolean {
  return /^\s+at /.test(line) && folders.some(folder => line.includes(folder))
}

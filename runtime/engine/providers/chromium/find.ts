import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { MissingPackageError } from '../../../errors/install.ts'

const NAMES = [
  'chromium',
  'chromium-browser',
  'google-chrome',
  'google-chrome-stable',
  'chrome',
  'microsoft-edge',
  'msedge',
]

/** Where browsers lie that are on no PATH. */
const PLACES: readonly string[] = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
  'C:\\Program Files (x86)\\Google\\Chrome\\Application\\chrome.exe',
  'C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe',
]

/** The path of Chromium or a browser made of it: the one that the environment's CHROMIUM names, or an installed one. @throws MissingPackageError */
export function chromiumPath(): string {
  const { CHROMIUM, PATH = '' } = process.env
  const ending = process.platform === 'win32' ? '.exe' : ''
  const onPath = PATH.split(delimiter).flatMap(folder => NAMES.map(name => join(folder, name + ending)))
  const found = CHROMIUM ? [CHROMIUM] : [...onPath, ...PLACES]
  const path = found.find(place => existsSync(place))
  if (path !== undefined) return path
  throw new MissingPackageError(
    CHROMIUM ? `The browser ${CHROMIUM} of the environment variable CHROMIUM` : 'Chromium',
    undefined,
    'for the providers wasm and webgpu in Node',
    'install Chromium or Chrome (Debian: apt-get install chromium), or set the environment variable CHROMIUM to its path',
  )
}

import { CommandError } from '../../cli/shared/errors.ts'

/** Opens an address in the user’s browser. If that fails, it writes a note to stderr, because the user can still open the page. */
export async function openBrowser(url: string): Promise<void> {
  const { default: open } = await import('open')
  try {
    const opener = await open(url)
    opener.on('error', error => warn(error.message))
    // The system's opener ends when the browser has the address, with an exit code if it finds no browser.
    const { exitCode } = opener
    if (exitCode !== null) checkExit(exitCode)
    else opener.on('exit', checkExit)
  } catch (error) {
    warn((error as Error).message)
  }
}

const checkExit = (code: number | null): void => {
  if (code) warn(`the system's opener ended with ${code}`)
}

function warn(reason: string): void {
  const { message } = new CommandError(`No browser could be opened: ${reason}.`, 'open the address above yourself')
  process.stderr.write(`${message}\n`)
}

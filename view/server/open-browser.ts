import { CommandError } from '../../cli/shared/errors.ts'

/** Opens an address in the user’s browser. If that fails, it only says so on stderr, because the page can still be opened by hand. */
export async function openBrowser(url: string): Promise<void> {
  const { default: open } = await import('open')
  try {
    const opener = await open(url)
    opener.on('error', error => tell(error.message))
    // The opening command ends when the browser has the address; if it finds no browser, its exit code says so.
    const { exitCode } = opener
    if (exitCode !== null) ended(exitCode)
    else opener.on('exit', ended)
  } catch (error) {
    tell((error as Error).message)
  }
}

const ended = (code: number | null): void => {
  if (code) tell(`the system's opener ended with ${code}`)
}

function tell(reason: string): void {
  const { message } = new CommandError(`No browser could be opened: ${reason}.`, 'open the address above yourself')
  process.stderr.write(`${message}\n`)
}

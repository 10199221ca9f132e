import { CommandError } from '../../cli/shared/errors.ts'

/** Opens an address in the user’s browser. Where that can’t be done it says so on stderr, and no more: the page is there all the same. */
export async function openBrowser(url: string): Promise<void> {
  const { default: open } = await import('open')
  try {
    const opener = await open(url)
    opener.on('error', error => tell(error.message))
    // Openers end when the browser has the address; those that find none say so by their exit code.
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

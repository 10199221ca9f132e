import type { SavedCopy } from '../../protocol/saved-copy.ts'
import { wholePage } from '../../protocol/whole-page.ts'
import type { Client } from '../client.ts'
import { addressOf } from '../state/address.ts'
import type { ViewState } from '../state/view-state.ts'

/** Makes a page of one file, which shows without the command all that was looked at, and starts its download. */
export async function savePage(client: Client, state: ViewState, title: string): Promise<void> {
  const copy: SavedCopy = {
    state: addressOf(state),
    date: new Date().toISOString(),
    answers: Object.fromEntries(client.answers),
  }
  const page = await wholePage(copy, async address => (await fetch(address)).text())
  const link = document.createElement('a')
  link.href = URL.createObjectURL(new Blob([page], { type: 'text/html' }))
  link.download = `${title.replaceAll('/', '-').replace(/\.onnx$/, '')}.html`
  link.click()
  URL.revokeObjectURL(link.href)
}

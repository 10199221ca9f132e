import { useEffect, useState } from 'preact/hooks'
import type { CodeRequest, ModelDescription } from '../../protocol/api.ts'
import type { RunInputs } from '../../protocol/form.ts'
import type { Client } from '../client.ts'
import { bytes, grouped } from '../parts/numbers.ts'
import { savedCopy } from '../saved/saved-copy.ts'
import { Shortcuts } from '../shortcuts/shortcuts.tsx'
import type { TabName, ViewState } from '../state/view-state.ts'
import { CopyButton } from './copy-button.tsx'
import { CopyCode } from './copy-code.tsx'
import { SaveButton } from './save-button.tsx'

interface HeaderProps {
  readonly model: ModelDescription
  readonly client: Client
  readonly state: ViewState
  readonly runInputs: RunInputs | undefined
  readonly request: Omit<CodeRequest, 'tab' | 'path'>
  readonly tabs: readonly TabName[]
  readonly onVisit: (state: ViewState) => void
}

/** The model’s name and size, whether it runs, and buttons to copy code and the link. */
export function Header({ model, client, state, runInputs, request, tabs, onVisit }: HeaderProps) {
  const [isBusy, setBusy] = useState(false)
  useEffect(() => {
    client.onBusy = setBusy
  }, [client])
  const [root] = model.modules
  return (
    <header class="top">
      <h1>{model.title}</h1>
      <p class="meta">
        <span>{grouped(root.parameters)} parameters</span>
        <span>{bytes(root.bytes)}</span>
        <span>{grouped(root.nodes)} nodes</span>
        <span>{model.provider}</span>
      </p>
      <div class="busy" role="status">
        {isBusy && (
          <>
            <span>Running…</span>
            <button type="button" onClick={() => client.cancel()}>
              Cancel
            </button>
          </>
        )}
      </div>
      <div class="actions">
        <CopyCode client={client} state={state} request={runInputs && request} />
        <CopyButton name="Copy link" text={() => location.href} />
        {!savedCopy() && runInputs && (
          <SaveButton model={model} client={client} state={state} tabs={tabs} onVisit={onVisit} />
        )}
        <button
          type="button"
          aria-label="Keys"
          aria-haspopup="dialog"
          onClick={() => document.querySelector<HTMLDialogElement>('#shortcuts')?.showModal()}
        >
          ?
        </button>
      </div>
      <Shortcuts />
    </header>
  )
}

import { useState } from 'preact/hooks'
import type { ModelDescription } from '../../protocol/api.ts'
import type { Client } from '../client.ts'
import { savePage } from '../saved/save-page.ts'
import { settled, visitsBefore } from '../saved/visits.ts'
import type { TabName, ViewState } from '../state/view-state.ts'

interface SaveButtonProps {
  readonly model: ModelDescription
  readonly client: Client
  readonly state: ViewState
  readonly tabs: readonly TabName[]
  /** Shows a state without an entry in the browser's history. */
  readonly onVisit: (state: ViewState) => void
}

/** A button that visits the tabs and modules, and then saves them as a page of one file. */
export function SaveButton({ model, client, state, tabs, onVisit }: SaveButtonProps) {
  const [progress, setProgress] = useState<string>()
  const save = async (): Promise<void> => {
    const visit = async (part: Partial<ViewState>): Promise<void> => {
      onVisit({ ...state, ...part })
      await settled(client)
    }
    setProgress('Saving …')
    try {
      if (tabs.includes('attention')) await visit({ tab: 'attention' })
      const visits = visitsBefore(model, tabs, client)
      for (const [i, part] of visits.entries()) {
        setProgress(`Saving ${i + 1} of ${visits.length}`)
        await visit(part)
      }
      await savePage(client, state, model.title)
    } finally {
      onVisit(state)
      setProgress(undefined)
    }
  }
  return (
    <>
      <button type="button" disabled={progress !== undefined} onClick={() => void save()}>
        <span aria-live="polite">{progress ?? 'Save page'}</span>
      </button>
      {/* It covers what is visited, and takes the clicks that would change it. */}
      {progress !== undefined && (
        <div class="saving" aria-hidden="true">
          <p>Collecting what the saved page will show …</p>
        </div>
      )}
    </>
  )
}

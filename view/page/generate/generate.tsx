import { useState } from 'preact/hooks'
import type { PanelProps } from '../panel-props.ts'
import { Problem } from '../parts/problem.tsx'
import { initialGeneration } from '../state/view-state.ts'
import { GenerationFields } from './fields.tsx'
import { Text } from './text.tsx'
import { useGenerated } from './use-generated.ts'

/** The tab in which the model continues the text, with the edit and without it, side by side. */
export function GeneratePanel(props: PanelProps) {
  const { model, client, runInputs, state, change, request, requestKey, tokens = [] } = props
  const { edit, generation } = state
  const [typed, setTyped] = useState(generation ?? initialGeneration)
  const [runs, setRuns] = useState(0)
  const generateRequest = { ...request, ...(edit === undefined ? {} : { template: edit }), ...(generation ?? typed) }
  const key = runInputs && generation && `${requestKey} ${edit} ${JSON.stringify(generation)} ${runs}`
  const { sides, error, isRunning } = useGenerated(
    client,
    'generate',
    generateRequest,
    model.logits === undefined ? undefined : key,
  )
  if (model.logits === undefined)
    return (
      <section aria-label="Generate">
        <p class="empty">This model has no logits, so it can’t generate.</p>
      </section>
    )
  return (
    <section aria-label="Generate" aria-busy={isRunning}>
      <form
        class="toolbar"
        onSubmit={event => {
          event.preventDefault()
          change({ generation: typed })
          setRuns(runs + 1)
        }}
      >
        <GenerationFields typed={typed} onType={setTyped} />
        <button type="submit" class="primary" disabled={!runInputs}>
          Generate
        </button>
        <span class="hint">
          {typed.temperature === 0 ? 'Temperature 0 takes the likeliest token each time.' : 'Tokens are drawn.'}
        </span>
      </form>
      {error && <Problem error={error} />}
      {generation && runInputs && (
        <div class={edit === undefined ? undefined : 'side-by-side'}>
          <Text name={edit === undefined ? '' : 'unedited'} prompt={tokens} written={sides.unedited} />
          {edit !== undefined && <Text name="edited" prompt={tokens} written={sides.edited} />}
        </div>
      )}
      {edit === undefined && (
        <p class="hint">
          With an edit, both texts stand side by side.{' '}
          <button type="button" class="link" onClick={() => change({ tab: 'edit' })}>
            Write an edit
          </button>
        </p>
      )}
    </section>
  )
}

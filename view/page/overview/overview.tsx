import type { Overview } from '../../protocol/api.ts'
import { overviewBody } from '../../protocol/bodies.ts'
import type { PanelProps } from '../panel-props.ts'
import { Problem } from '../parts/problem.tsx'
import { Waiting } from '../parts/waiting.tsx'
import { useAnswer } from '../use-answer.ts'
import { Facts } from './facts.tsx'
import { Glimpse } from './heads.tsx'
import { Next } from './next.tsx'
import { Norms } from './norms.tsx'
import { Outputs } from './outputs.tsx'

/** The tab with which the page opens: what the model is, what it predicts, and what happens on the way. */
export function OverviewPanel(props: PanelProps) {
  const { model, client, runInputs, request, requestKey, position } = props
  const asked = overviewBody(model, request, position)
  const key = runInputs && `${requestKey} ${asked.position ?? ''}`
  const answer = useAnswer<Overview>(client, 'overview', asked, key)
  // The other parts run the same input, so they would have the same error.
  if (answer.error)
    return (
      <section class="overview" aria-label="Overview">
        <Facts model={model} overview={undefined} />
        <Problem error={answer.error} />
      </section>
    )
  return (
    <section class="overview" aria-label="Overview">
      <Facts model={model} overview={answer.value} />
      {!runInputs && <p class="empty">Run the model on an input to see what happens in it.</p>}
      {request.template !== undefined && <p class="verdict">This is the edited run.</p>}
      {runInputs && model.logits !== undefined && position !== undefined && (
        <Next {...props} position={position} predictions={answer.value?.predictions} />
      )}
      <Waiting
        answer={answer}
        show={overview => (
          <>
            <Outputs outputs={overview.outputs} classes={model.classes} />
            <Norms {...props} overview={overview} />
          </>
        )}
      />
      {runInputs && model.hasAttention && <Glimpse {...props} />}
    </section>
  )
}

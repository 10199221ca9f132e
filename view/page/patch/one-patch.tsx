import { useState } from 'preact/hooks'
import type { Lens, PatchCell, PatchedView } from '../../protocol/api.ts'
import { firstShown } from '../../protocol/bodies.ts'
import { CopyCode } from '../header/copy-code.tsx'
import { Predictions } from '../lens/predictions.tsx'
import type { PanelProps } from '../panel-props.ts'
import { show } from '../parts/numbers.ts'
import { Waiting } from '../parts/waiting.tsx'
import { patchIn } from '../state/view-state.ts'
import { useAnswer } from '../use-answer.ts'
import { columnTexts } from './map.tsx'

interface OnePatchProps extends PanelProps {
  readonly result: PatchedView
  readonly cell: PatchCell
  readonly patchKey: string
}

/** Shows one patch: the lens of the corrupted text without and with the patch, and the code for it. */
export function OnePatch({ client, state, request, result, cell, patchKey }: OnePatchProps) {
  const { layer, place } = cell
  const corrupted = result.tokens.map(([, token]) => token)
  const [at, setAt] = useState<{ layer: number | undefined; position: number }>({
    layer: undefined,
    position: corrupted.length - 1,
  })
  const from = firstShown(at.position)
  const lensRequest = { ...request, ...patchIn(state), cell, from, follow: state.follow }
  const answer = useAnswer<Lens>(client, 'patched-lens', lensRequest, `${patchKey} ${layer} ${place} ${from}`)
  const row = result.layers.indexOf(layer)
  const name = result.across === 'head' ? `head ${place}` : `token ${place} “${columnTexts(result)[place]}”`
  const [first, second] = result.answers
  return (
    <section aria-label="One patch" class="one-patch">
      <h3>
        Layer {layer}, {name}
      </h3>
      <p class="hint">
        {show(result.recovered[row][place])} comes back: the logit difference is {show(result.values[row][place])}.{' '}
        <CopyCode
          client={client}
          state={state}
          request={request}
          patched={{ ...cell, answers: [first.id, second.id] }}
          name="Code of this patch"
        />
      </p>
      <Waiting
        answer={answer}
        show={lens => (
          <Predictions
            lens={lens}
            tokens={corrupted}
            layer={at.layer}
            position={at.position}
            follow={state.follow}
            onCell={(chosen, position) => setAt({ layer: chosen, position })}
            names={names}
          />
        )}
      />
    </section>
  )
}

const names = { change: 'The patch', before: 'corrupted', after: 'patched' }

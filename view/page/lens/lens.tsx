import type { ComponentChildren } from 'preact'
import type { CodeRequest, Follow, Lens, LensPath, Token } from '../../protocol/api.ts'
import { CopyCode } from '../header/copy-code.tsx'
import type { PanelProps } from '../panel-props.ts'
import { Switch } from '../parts/switch.tsx'
import { Waiting } from '../parts/waiting.tsx'
import { useAnswer } from '../use-answer.ts'
import { Best } from './best.tsx'
import { rowsOf } from './rows.ts'
import { LensTable } from './table.tsx'

/** How many positions are shown at once: as many as the server sends. */
const MAX_POSITIONS = 48

/** The tab with the model’s predictions after each layer. */
export function LensPanel(props: PanelProps) {
  const { model, client, runInputs, state, change, request, requestKey, tokens = [], position = 0 } = props
  const path = model.lens
  const from = Math.floor(position / MAX_POSITIONS) * MAX_POSITIONS
  const { follow } = state
  const key = runInputs && !('reason' in path) ? `${requestKey} ${from} ${follow}` : undefined
  const answer = useAnswer<Lens>(client, 'lens', { ...request, from, follow }, key)
  if ('reason' in path)
    return (
      <section aria-label="Logit lens">
        <p class="empty">This model has no logit lens. {path.reason}</p>
      </section>
    )
  return (
    <section aria-label="Logit lens">
      <LensPathLine path={path} />
      <FollowSwitch follow={follow} onFollow={chosen => change({ follow: chosen })} />
      {!runInputs && <p class="empty">Run the model on an input to see what each layer would predict.</p>}
      <Waiting
        answer={answer}
        show={lens => (
          <Predictions
            lens={lens}
            tokens={tokens}
            layer={state.layer}
            position={position}
            follow={follow}
            onCell={(layer, token) => change({ layer, token })}
            code={cell => (
              <CopyCode client={client} state={state} request={request} cell={cell} name="Code of this cell" />
            )}
          />
        )}
      />
    </section>
  )
}

const follows = [
  ['next', 'Next token of the text'],
  ['model', 'Model’s prediction'],
] as const

/** The choice of the token whose rank each cell shows. */
function FollowSwitch({ follow, onFollow }: { follow: Follow; onFollow: (follow: Follow) => void }) {
  return (
    <div class="toolbar">
      <Switch legend="Token whose rank is shown" name="follow" options={follows} chosen={follow} onChoose={onFollow} />
      <span class="hint"># is its rank in each cell: 1 is the likeliest</span>
    </div>
  )
}

/** Says which modules the lens applies to the layers’ outputs. */
function LensPathLine({ path: { layers, head } }: { path: LensPath }) {
  return (
    <p class="meta">
      <span>
        The output of each layer goes through the modules between the last layer and the logits:{' '}
        <b class="code">{head.join(', ') || 'unnamed nodes'}</b>
      </span>
      <span>{layers.length} layers</span>
    </p>
  )
}

interface PredictionsProps {
  readonly lens: Lens
  readonly tokens: readonly Token[]
  readonly layer: number | undefined
  readonly position: number
  readonly follow: Follow
  readonly onCell: (layer: number | undefined, token: number) => void
  readonly code: (cell: NonNullable<CodeRequest['cell']>) => ComponentChildren
}

function Predictions({ lens, tokens, layer, position, follow, onCell, code }: PredictionsProps) {
  const rows = rowsOf(lens)
  const row = Math.min(layer ?? rows.length - 1, rows.length - 1)
  const { from, positions } = lens
  const width = lens.own.length
  const column = Math.min(Math.max(position - from, 0), width - 1)
  const choose = (r: number, token: number): void => onCell(r === rows.length - 1 ? undefined : r, token)
  const changed = rows.flatMap(({ cells }) => cells).filter(({ isChanged }) => isChanged).length
  return (
    <>
      {lens.unedited && (
        <p class="verdict">
          {changed === 0
            ? 'The edit does not change the likeliest token anywhere here.'
            : `The edit changes the likeliest token in ${changed} of ${rows.length * width} cells, which are marked.`}
        </p>
      )}
      {width < positions && (
        <div class="toolbar pages">
          <button type="button" disabled={from === 0} onClick={() => choose(row, from - 1)}>
            Previous
          </button>
          <span>
            tokens {from} to {from + width - 1} of {positions}
          </span>
          <button type="button" disabled={from + width >= positions} onClick={() => choose(row, from + width)}>
            Next
          </button>
        </div>
      )}
      <LensTable
        rows={rows}
        tokens={tokens.slice(from, from + width)}
        from={from}
        row={row}
        column={column}
        onCell={(r, c) => choose(r, from + c)}
      />
      <Best
        name={rows[row].name}
        token={tokens[from + column]}
        position={from + column}
        cell={rows[row].cells[column]}
        what={
          follow === 'next' && from + column + 1 < positions
            ? 'the next token of the text'
            : 'the model’s own prediction'
        }
        code={code({ ...(row < rows.length - 1 ? { layer: row } : {}), position: from + column })}
      />
    </>
  )
}

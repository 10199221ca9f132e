import type { Lens, LensPath, LensRequest, Token, ViewedModel } from '../../protocol/api.ts'
import type { Client } from '../client.ts'
import type { Given } from '../input/given.ts'
import type { Look } from '../look/look.ts'
import type { Change } from '../look/use-look.ts'
import { Waiting } from '../parts/waiting.tsx'
import { useAnswer } from '../use-answer.ts'
import { Best } from './best.tsx'
import { rowsOf } from './rows.ts'
import { LensTable } from './table.tsx'

interface LensProps {
  readonly model: ViewedModel
  readonly client: Client
  readonly given: Given | undefined
  readonly look: Look
  readonly change: Change
  readonly request: LensRequest
  readonly requestKey: string
  readonly position: number | undefined
}

/** Positions that are shown at once: as many as the command sends. */
const PLACES = 48

/** What the model would say after each layer. */
export function LensPanel({ model, client, given, look, change, request, requestKey, position = 0 }: LensProps) {
  const path = model.lens
  const from = Math.floor(position / PLACES) * PLACES
  const key = given && !('why' in path) ? `${requestKey} ${from}` : undefined
  const answer = useAnswer<Lens>(client, 'lens', { ...request, from }, key)
  if ('why' in path)
    return (
      <section aria-label="Logit lens">
        <p class="empty">There is no logit lens of this model. {path.why}</p>
      </section>
    )
  return (
    <section aria-label="Logit lens">
      <Explained path={path} />
      {!given && <p class="empty">Give the model an input to see what each layer would predict.</p>}
      <Waiting
        answer={answer}
        show={lens => (
          <Shown
            lens={lens}
            tokens={given?.rows?.[look.batch] ?? []}
            layer={look.layer}
            position={position}
            onPlace={(layer, token) => change({ layer, token })}
          />
        )}
      />
    </section>
  )
}

function Explained({ path: { layers, head } }: { path: LensPath }) {
  return (
    <p class="meta">
      <span>
        What leaves each layer, through what lies between the last one and the logits:{' '}
        <b class="code">{head.join(', ') || 'the nodes there'}</b>
      </span>
      <span>{layers.length} layers</span>
    </p>
  )
}

interface ShownProps {
  readonly lens: Lens
  readonly tokens: readonly Token[]
  readonly layer: number | undefined
  readonly position: number
  readonly onPlace: (layer: number | undefined, token: number) => void
}

function Shown({ lens, tokens, layer, position, onPlace }: ShownProps) {
  const rows = rowsOf(lens)
  const row = Math.min(layer ?? rows.length - 1, rows.length - 1)
  const { from, positions } = lens
  const width = lens.own.length
  const column = Math.min(Math.max(position - from, 0), width - 1)
  const place = (r: number, token: number): void => onPlace(r === rows.length - 1 ? undefined : r, token)
  const changed = rows.flatMap(({ cells }) => cells).filter(({ isChanged }) => isChanged).length
  return (
    <>
      {lens.unedited && (
        <p class="verdict">
          {changed === 0
            ? 'The edit changes no likeliest token here.'
            : `The edit changes the likeliest token at ${changed} of ${rows.length * width} places: those are marked.`}
        </p>
      )}
      {width < positions && (
        <div class="toolbar pages">
          <button type="button" disabled={from === 0} onClick={() => place(row, from - 1)}>
            Previous
          </button>
          <span>
            tokens {from} to {from + width - 1} of {positions}
          </span>
          <button type="button" disabled={from + width >= positions} onClick={() => place(row, from + width)}>
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
        onPlace={(r, c) => place(r, from + c)}
      />
      <Best
        name={rows[row].name}
        token={tokens[from + column]}
        position={from + column}
        cell={rows[row].cells[column]}
      />
    </>
  )
}

import { useRef, useState } from 'preact/hooks'
import type { Lens, LensPath, Prediction, Token, ViewedModel } from '../../api.ts'
import type { Client } from '../client.ts'
import type { Given } from '../input/input.tsx'
import { share } from '../parts/colours.ts'
import { percent } from '../parts/numbers.ts'
import { tokenName, tokenText } from '../parts/tokens.ts'
import { Waiting } from '../parts/waiting.tsx'
import { useAnswer } from '../use-answer.ts'

interface LensProps {
  readonly model: ViewedModel
  readonly client: Client
  readonly given: Given | undefined
}

/** What the model would say after each layer. */
export function LensPanel({ model, client, given }: LensProps) {
  const path = model.lens
  const key = given && !('why' in path) ? String(given.number) : undefined
  const answer = useAnswer<Lens>(client, 'lens', given?.request, key)
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
      <Waiting answer={answer} show={lens => <Table lens={lens} tokens={given?.tokens ?? []} />} />
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

interface Place {
  readonly row: number
  readonly column: number
}

function Table({ lens, tokens }: { lens: Lens; tokens: readonly Token[] }) {
  const rows = [...lens.top.map((top, i) => ({ name: lens.layers[i], top })), { name: 'model', top: lens.own }]
  const [place, setPlace] = useState<Place>({ row: rows.length - 1, column: tokens.length - 1 })
  const table = useRef<HTMLTableElement>(null)
  const row = Math.min(place.row, rows.length - 1)
  const column = Math.min(place.column, tokens.length - 1)
  const go = (event: KeyboardEvent): void => {
    const to = {
      ArrowUp: { row: row - 1, column },
      ArrowDown: { row: row + 1, column },
      ArrowLeft: { row, column: column - 1 },
      ArrowRight: { row, column: column + 1 },
      Home: { row, column: 0 },
      End: { row, column: tokens.length - 1 },
    }[event.key]
    if (!to || to.row < 0 || to.row >= rows.length || to.column < 0 || to.column >= tokens.length) return
    event.preventDefault()
    setPlace(to)
    table.current?.querySelector<HTMLElement>(`[data-at="${to.row} ${to.column}"]`)?.focus()
  }
  const chosen = rows[row].top[column] ?? []
  return (
    <>
      <div class="table-scroll">
        <table class="lens" ref={table}>
          <caption class="hidden">Likeliest next token by layer and position; arrow keys go from cell to cell</caption>
          <thead>
            <tr>
              <th scope="col">layer</th>
              {tokens.map((token, i) => (
                <th key={i} scope="col" aria-label={`${i} ${tokenName(token)}`}>
                  <span class="token-text">{tokenText(token)}</span> <small>{i}</small>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map(({ name, top }, r) => (
              <tr key={name} class={r === rows.length - 1 ? 'own' : undefined}>
                <th scope="row" class="code" title={name}>
                  {name.split('.').slice(-2).join('.')}
                </th>
                {top.map(([best], c) => (
                  <td key={c} style={share(best.probability)}>
                    <button
                      type="button"
                      data-at={`${r} ${c}`}
                      tabIndex={r === row && c === column ? 0 : -1}
                      aria-pressed={r === row && c === column}
                      onClick={() => setPlace({ row: r, column: c })}
                      onFocus={() => setPlace({ row: r, column: c })}
                      onKeyDown={go}
                    >
                      <span class="token-text">{tokenText(best)}</span>
                      <small class="lens-share">{percent(best.probability)}</small>
                    </button>
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <Best name={rows[row].name} token={tokens[column]} position={column} best={chosen} />
    </>
  )
}

function Best({
  name,
  token,
  position,
  best,
}: {
  name: string
  token: Token | undefined
  position: number
  best: readonly Prediction[]
}) {
  return (
    <div class="best" aria-live="polite">
      <h3>
        <span class="code">{name}</span>{' '}
        <small>
          after token {position} {token ? `“${tokenText(token)}”` : ''}
        </small>
      </h3>
      <table class="numbers bars">
        <caption class="hidden">Likeliest next tokens</caption>
        <thead>
          <tr>
            <th scope="col" class="left">
              token
            </th>
            <th scope="col">id</th>
            <th scope="col">probability</th>
            <th scope="col">
              <span class="hidden">bar</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {best.map(prediction => (
            <tr key={prediction.id}>
              <td class="left token-text">{tokenText(prediction)}</td>
              <td>{prediction.id}</td>
              <td>{prediction.probability.toFixed(4)}</td>
              <td class="bar">
                <i style={{ width: `${100 * prediction.probability}%` }} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

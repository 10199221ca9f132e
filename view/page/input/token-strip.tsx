import { useEffect, useRef } from 'preact/hooks'
import type { Token } from '../../protocol/api.ts'
import { tokenName, tokenText } from '../parts/tokens.ts'

interface TokenStripProps {
  readonly rows: readonly (readonly Token[])[]
  readonly batch: number
  readonly onBatch: (row: number) => void
  readonly position: number | undefined
  readonly onPosition: (position: number) => void
}

/** The tokens in a row of the batch, one of which is chosen. The Tab key reaches one of them, and arrow keys go to the others. */
export function TokenStrip({ rows, batch, onBatch, position, onPosition }: TokenStripProps) {
  const list = useRef<HTMLFieldSetElement>(null)
  const tokens = rows[batch] ?? []
  useEffect(() => {
    const chosen = list.current?.querySelector<HTMLElement>('[aria-pressed=true]')
    const strip = list.current
    // Scroll the strip only: scrollIntoView would also scroll the page.
    if (chosen && strip) strip.scrollTop = chosen.offsetTop - strip.clientHeight / 2
  }, [position])
  const go = (event: KeyboardEvent): void => {
    const at = position ?? 0
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: tokens.length - 1 }[event.key]
    if (to === undefined || to < 0 || to >= tokens.length) return
    event.preventDefault()
    onPosition(to)
    list.current?.querySelector<HTMLElement>(`[data-token="${to}"]`)?.focus({ preventScroll: true })
  }
  return (
    <>
      {rows.length > 1 && (
        <div class="dims">
          <label>
            row of the batch
            <select value={batch} onChange={event => onBatch(Number(event.currentTarget.value))}>
              {rows.map((_, row) => (
                <option key={row} value={row}>
                  {row}
                </option>
              ))}
            </select>
            <span class="hint">of {rows.length}</span>
          </label>
        </div>
      )}
      <fieldset class="tokens" ref={list} onKeyDown={go}>
        <legend class="hidden">Tokens: choose the one whose values and predictions are shown</legend>
        {tokens.map((token, at) => (
          <button
            key={at}
            type="button"
            class="token"
            data-token={at}
            tabIndex={at === (position ?? 0) ? 0 : -1}
            aria-pressed={at === position}
            title={`token ${at}, id ${token.id}`}
            onClick={() => onPosition(at)}
          >
            <span class="hidden">{`Token ${at}: ${tokenName(token)}`}</span>
            <small aria-hidden="true">{at}</small>
            <span class="token-text" aria-hidden="true">
              {tokenText(token)}
            </span>
          </button>
        ))}
      </fieldset>
    </>
  )
}

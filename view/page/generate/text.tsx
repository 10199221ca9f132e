import { useRef, useState } from 'preact/hooks'
import type { Token } from '../../protocol/api.ts'
import { shareBackground } from '../parts/colours.ts'
import { tokenText } from '../parts/tokens.ts'
import type { Written } from './use-generated.ts'

interface TextProps {
  /** '' if there is only one side. */
  readonly name: '' | 'unedited' | 'edited'
  /** The title. @default a title for the side's name */
  readonly title?: string
  readonly prompt: readonly Token[]
  readonly written: Written | undefined
}

/** The prompt and the new text. Its tokens are coloured by their probability, and the one under the pointer shows what else was likely. */
export function Text({ name, title, prompt, written }: TextProps) {
  const [at, setAt] = useState<number>()
  const list = useRef<HTMLDivElement>(null)
  const tokens = written?.tokens
  const shown = tokens?.[Math.min(at ?? 0, tokens.length - 1)]
  const go = (event: KeyboardEvent): void => {
    const to = { ArrowLeft: (at ?? 0) - 1, ArrowRight: (at ?? 0) + 1, Home: 0, End: (tokens?.length ?? 1) - 1 }[
      event.key
    ]
    if (to === undefined || !tokens?.[to]) return
    event.preventDefault()
    setAt(to)
    list.current?.querySelector<HTMLElement>(`[data-new="${to}"]`)?.focus()
  }
  return (
    <div data-part={name || 'text'} class="generated">
      {name !== '' && <h3>{title ?? (name === 'edited' ? 'With the edit' : 'Without the edit')}</h3>}
      {/* biome-ignore lint/a11y/noStaticElementInteractions: its tokens have the focus */}
      <div class="generated-text" ref={list} onKeyDown={go}>
        <span class="prompt">{prompt.map(({ id, text }) => text ?? ` ${id}`).join('')}</span>
        {tokens
          ? tokens.map((token, i) => (
              <button
                key={i}
                type="button"
                class="new-token"
                data-new={i}
                data-id={token.id}
                tabIndex={i === (at ?? 0) ? 0 : -1}
                aria-label={`${tokenText(token)}, probability ${token.probability.toFixed(4)}`}
                aria-pressed={i === at}
                style={shareBackground(token.probability)}
                onMouseEnter={() => setAt(i)}
                onFocus={() => setAt(i)}
              >
                {token.text === '\n' ? '⏎\n' : (token.text ?? ` ${token.id}`)}
              </button>
            ))
          : written?.text}
        {!tokens && (
          <span class="hint" aria-busy="true">
            …
          </span>
        )}
      </div>
      {shown && (
        <table class="numbers bars step-tokens">
          <caption>
            Token {at ?? 0}, “{tokenText(shown)}”, had probability {shown.probability.toFixed(4)}
          </caption>
          <tbody>
            {shown.top.map(token => (
              <tr key={token.id} class={token.id === shown.id ? 'is-chosen' : undefined}>
                <th scope="row" class="left token-text">
                  {tokenText(token)}
                </th>
                <td>{token.probability.toFixed(4)}</td>
                <td class="bar">
                  <i style={{ width: `${100 * token.probability}%` }} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </div>
  )
}

import { useRef } from 'preact/hooks'
import type { SentError } from '../../protocol/api.ts'

interface EditorProps {
  readonly text: string
  readonly placeholder: string | undefined
  /** The position of the mistake in the text, if it has one. */
  readonly frame: SentError['frame'] | undefined
  readonly onText: (text: string) => void
  readonly onRun: () => void
}

/** A text field with numbered lines, which marks the position of a mistake. */
export function Editor({ text, placeholder, frame, onText, onRun }: EditorProps) {
  const area = useRef<HTMLTextAreaElement>(null)
  const lines = text.split('\n')
  const rows = Math.min(16, Math.max(5, lines.length + 1))
  const wrong = frame && lines[frame.line - 1] !== undefined ? frame : undefined
  const goTo = (): void => {
    if (!area.current || !wrong) return
    const [from, to] = spanOf(lines, wrong)
    area.current.focus()
    area.current.setSelectionRange(from, to)
  }
  return (
    <>
      <div class="editor" style={{ height: `${rows * 20 + 18}px` }}>
        <div class="editor-lines" aria-hidden="true">
          {lines.map((_, i) => (
            <span key={i} class={wrong?.line === i + 1 ? 'is-wrong' : undefined}>
              {i + 1}
            </span>
          ))}
        </div>
        <pre class="editor-marks" aria-hidden="true">
          {wrong ? <Marked lines={lines} frame={wrong} /> : null}
        </pre>
        <textarea
          id="template"
          class="code"
          ref={area}
          wrap="off"
          spellcheck={false}
          placeholder={placeholder}
          value={text}
          aria-invalid={wrong !== undefined}
          aria-describedby={wrong ? 'template-place' : undefined}
          onInput={event => onText(event.currentTarget.value)}
          onScroll={event => {
            const { scrollTop, scrollLeft, parentElement } = event.currentTarget
            parentElement?.style.setProperty('--scrolled-down', `${-scrollTop}px`)
            parentElement?.style.setProperty('--scrolled-right', `${-scrollLeft}px`)
          }}
          onKeyDown={event => {
            if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return
            event.preventDefault()
            onRun()
          }}
        />
      </div>
      {wrong && (
        <p id="template-place" class="place">
          Line {wrong.line}, column {wrong.column}.{' '}
          <button type="button" class="link" onClick={goTo}>
            Go there
          </button>
        </p>
      )}
    </>
  )
}

/** The start and end of the word or sign at a position. It is at least one character long. */
function spanOf(lines: readonly string[], { line, column }: NonNullable<SentError['frame']>): [number, number] {
  const before = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0)
  const rest = lines[line - 1].slice(column - 1)
  const [word = ''] = /^(?:[\p{L}\p{N}_]+|.)/u.exec(rest) ?? []
  return [before + column - 1, before + column - 1 + Math.max(1, word.length)]
}

function Marked({ lines, frame }: { lines: readonly string[]; frame: NonNullable<SentError['frame']> }) {
  const text = lines.join('\n')
  const [from, to] = spanOf(lines, frame)
  return (
    <>
      {text.slice(0, from)}
      <mark>{text.slice(from, to) || ' '}</mark>
      {text.slice(to)}
    </>
  )
}

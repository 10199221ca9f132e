import { useRef, useState } from 'preact/hooks'
import type { Code, CodeRequest, SentError } from '../../protocol/api.ts'
import type { Client } from '../client.ts'
import type { Look } from '../look/look.ts'
import { Problem } from '../parts/problem.tsx'
import { Scrolling } from '../parts/scrolling.tsx'
import { sentOf } from '../use-answer.ts'
import { CopyButton } from './copy-button.tsx'

interface CopyCodeProps {
  readonly client: Client
  readonly look: Look
  /** Missing where there are no inputs yet. */
  readonly request: Omit<CodeRequest, 'tab' | 'path'> | undefined
}

/** What is looked at as a program, to go on with it elsewhere. */
export function CopyCode({ client, look, request }: CopyCodeProps) {
  const dialog = useRef<HTMLDialogElement>(null)
  const [come, setCome] = useState<{ readonly code?: Code; readonly error?: SentError }>({})
  const [language, setLanguage] = useState<keyof Code>('typescript')
  const open = (): void => {
    setCome({})
    dialog.current?.showModal()
    const { tab, module: path, value, pattern, edit } = look
    // The edit’s own view compares always.
    const edited = tab === 'edit' && edit !== undefined ? { template: edit, isCompared: true } : {}
    const asked = {
      ...request,
      ...edited,
      tab,
      path,
      ...(value === undefined ? {} : { value }),
      ...(pattern ? { pattern } : {}),
    }
    client.ask<Code>('code', asked).then(
      code => setCome({ code }),
      (error: unknown) => setCome({ error: sentOf(error) }),
    )
  }
  return (
    <>
      <button type="button" disabled={!request} aria-haspopup="dialog" onClick={open}>
        Copy as code
      </button>
      <dialog class="code-dialog" aria-labelledby="code-title" ref={dialog}>
        <h2 id="code-title">What is shown, as code</h2>
        <fieldset class="switch">
          <legend class="hidden">Language</legend>
          {(['typescript', 'template'] as const).map(one => (
            <label key={one}>
              <input type="radio" name="language" checked={language === one} onChange={() => setLanguage(one)} />
              <span>{one === 'typescript' ? 'TypeScript' : 'Template'}</span>
            </label>
          ))}
        </fieldset>
        {come.error && <Problem error={come.error} />}
        {come.code && (
          <>
            <Scrolling label="Code" isTall>
              <pre class="written">{come.code[language]}</pre>
            </Scrolling>
            <p class="hint">
              {language === 'typescript'
                ? 'Runs with node --import onnsight/register, or in a project with the macro.'
                : 'Runs with onnsight run MODEL --template-file FILE.'}
            </p>
          </>
        )}
        <form method="dialog" class="toolbar">
          {come.code && <CopyButton name="Copy" text={() => come.code![language]} />}
          <button type="submit">Close</button>
        </form>
      </dialog>
    </>
  )
}

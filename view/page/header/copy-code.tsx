import { useId, useRef, useState } from 'preact/hooks'
import type { Code, CodeRequest, SentError } from '../../protocol/api.ts'
import type { Client } from '../client.ts'
import { Problem } from '../parts/problem.tsx'
import { Scrolling } from '../parts/scrolling.tsx'
import { Switch } from '../parts/switch.tsx'
import { initialGeneration, patchIn, type ViewState } from '../state/view-state.ts'
import { toSentError } from '../use-request.ts'
import { CopyButton } from './copy-button.tsx'

interface CopyCodeProps {
  readonly client: Client
  readonly state: ViewState
  /** Undefined if there are no inputs yet. */
  readonly request: Omit<CodeRequest, 'tab' | 'path'> | undefined
  /** One cell of the lens, instead of all that is shown. */
  readonly cell?: CodeRequest['cell']
  /** One cell of the map of patches. */
  readonly patched?: CodeRequest['patched']
  readonly name?: string
}

const languages = [
  ['typescript', 'TypeScript'],
  ['template', 'Template'],
] as const

/** A button and a dialog with a program that computes what the page shows. */
export function CopyCode({ client, state, request, cell, patched, name = 'Copy as code' }: CopyCodeProps) {
  const id = useId()
  const dialog = useRef<HTMLDialogElement>(null)
  const [received, setReceived] = useState<{ readonly code?: Code; readonly error?: SentError }>({})
  const [language, setLanguage] = useState<keyof Code>('typescript')
  const [isOpen, setOpen] = useState(false)
  const open = (): void => {
    setReceived({})
    setOpen(true)
    dialog.current?.showModal()
    const { tab, module, node, value, pattern, edit, site, head, generation, steering, method, follow, token } = state
    const path = tab === 'attention' ? (site ?? '') : module
    // The tab Edit always shows a comparison.
    const edited =
      (tab === 'edit' || tab === 'generate') && edit !== undefined ? { template: edit, isCompared: true } : {}
    const codeRequest = {
      ...request,
      ...edited,
      tab,
      path,
      ...(node === undefined || tab !== 'module' ? {} : { node }),
      ...(value === undefined ? {} : { value }),
      ...(pattern ? { pattern } : {}),
      ...(cell ? { cell } : {}),
      ...(tab === 'attention' ? { head } : {}),
      ...(tab === 'patch' && state.corrupted ? { patch: patchIn(state) } : {}),
      ...(patched ? { patched } : {}),
      ...(tab === 'importance'
        ? { importance: { method, follow, ...(token === undefined ? {} : { position: token }) } }
        : {}),
      ...(tab === 'compare' && state.comparing ? { comparing: state.comparing } : {}),
      ...(tab === 'steer' && steering ? { steering } : {}),
      ...(tab === 'generate' || tab === 'steer' ? { generation: generation ?? initialGeneration } : {}),
    }
    client.ask<Code>('code', codeRequest).then(
      code => setReceived({ code }),
      (error: unknown) => setReceived({ error: toSentError(error) }),
    )
  }
  return (
    <>
      <button
        type="button"
        class={cell || patched ? 'link' : undefined}
        disabled={!request}
        aria-haspopup="dialog"
        onClick={open}
      >
        {name}
      </button>
      <dialog class="code-dialog" aria-labelledby={`${id}-title`} ref={dialog} onClose={() => setOpen(false)}>
        {isOpen && (
          <>
            <h2 id={`${id}-title`}>Code for what is shown</h2>
            <Switch
              legend="Language"
              name={`${id}-language`}
              options={languages}
              chosen={language}
              onChoose={setLanguage}
            />
            {received.error && <Problem error={received.error} />}
            {received.code && (
              <>
                <Scrolling label="Code" isTall>
                  <pre class="written">{received.code[language]}</pre>
                </Scrolling>
                <p class="hint">
                  {language === 'typescript'
                    ? 'Run it with node --import onnsight/register, or in a project that expands the macro.'
                    : 'Run it with onnsight run MODEL --template-file FILE.'}
                </p>
              </>
            )}
            <form method="dialog" class="toolbar">
              {received.code && <CopyButton name="Copy" text={() => received.code![language]} />}
              <button type="submit">Close</button>
            </form>
          </>
        )}
      </dialog>
    </>
  )
}

import type { Change } from '../state/use-view-state.ts'

interface ChangeButtonsProps {
  /** What is changed, as templates write it: `transformer.h[1].output`. */
  readonly place: string
  /** The chosen token, if the place has an axis for tokens. */
  readonly token?: number | undefined
  /** The module that can be skipped, as templates write it. */
  readonly module?: string | undefined
  /** The edit that is on. */
  readonly edit: string | undefined
  readonly onEdit: (edit: string) => void
}

/** The change of state when a line is added to the edit: both runs are shown side by side. */
export const edited = (change: Change, setText: (text: string) => void) => (edit: string) => {
  setText(edit)
  change({ edit, side: 'compared' })
}

/** Buttons that change a value in the run. Each adds a line to the edit. */
export function ChangeButtons({ place, token, module, edit, onEdit }: ChangeButtonsProps) {
  const lines: readonly (readonly [name: string, line: string])[] = [
    ['Set to 0', `${place} = 0`],
    ...(token === undefined ? [] : [[`Set to 0 at token ${token}`, `${place}[:, ${token}] = 0`] as const]),
    ['Double', `${place} *= 2`],
    ...(module === undefined ? [] : [['Skip', `skip ${module}`] as const]),
  ]
  const before = edit?.trimEnd().split('\n') ?? []
  return (
    <fieldset class="change-buttons">
      <legend class="hidden">Change it in the run</legend>
      {lines.map(([name, line]) => (
        <button
          key={name}
          type="button"
          title={line}
          disabled={before.includes(line)}
          onClick={() => onEdit([...before, line].join('\n'))}
        >
          {name}
        </button>
      ))}
    </fieldset>
  )
}

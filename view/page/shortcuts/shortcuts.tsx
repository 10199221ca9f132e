import { useState } from 'preact/hooks'
import { areOff, shortcuts, turn } from './use-shortcuts.ts'

/** A dialog with the list of keyboard shortcuts, and a checkbox to switch off those of a single key. */
export function Shortcuts() {
  const [isOn, setOn] = useState(!areOff())
  return (
    <dialog id="shortcuts" aria-labelledby="shortcuts-title">
      <h2 id="shortcuts-title">Keys</h2>
      <dl class="keys">
        {shortcuts.map(([keys, action]) => (
          <div key={keys}>
            <dt>
              <kbd>{keys}</kbd>
            </dt>
            <dd>{action}</dd>
          </div>
        ))}
      </dl>
      <label class="check">
        <input
          type="checkbox"
          checked={isOn}
          onChange={event => {
            turn(event.currentTarget.checked)
            setOn(event.currentTarget.checked)
          }}
        />
        Single keys are shortcuts
      </label>
      <form method="dialog">
        <button type="submit">Close</button>
      </form>
    </dialog>
  )
}

import { useState } from 'preact/hooks'
import { areOff, shortcuts, turn } from './use-shortcuts.ts'

/** The keys, and a switch for those who press them unawares. */
export function Shortcuts() {
  const [isOn, setOn] = useState(!areOff())
  return (
    <dialog id="shortcuts" aria-labelledby="shortcuts-title">
      <h2 id="shortcuts-title">Keys</h2>
      <dl class="keys">
        {shortcuts.map(([keys, does]) => (
          <div key={keys}>
            <dt>
              <kbd>{keys}</kbd>
            </dt>
            <dd>{does}</dd>
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
        Single keys do this
      </label>
      <form method="dialog">
        <button type="submit">Close</button>
      </form>
    </dialog>
  )
}

interface StrengthProps {
  readonly value: number
  /** Called while the slider moves. */
  readonly onMove: (value: number) => void
  /** Called when the user lets go of the slider. */
  readonly onSet: (value: number) => void
}

/** A slider, and beside it a field for its number, which may lie beyond the slider's ends. */
export function Strength({ value, onMove, onSet }: StrengthProps) {
  return (
    <label class="strength">
      strength
      <input
        type="range"
        aria-label="strength"
        min={-10}
        max={10}
        step={0.25}
        value={value}
        onInput={event => onMove(event.currentTarget.valueAsNumber)}
        onChange={event => onSet(event.currentTarget.valueAsNumber)}
      />
      <input
        type="number"
        aria-label="strength as a number"
        required
        step="any"
        value={value}
        onChange={event => {
          if (Number.isFinite(event.currentTarget.valueAsNumber)) onSet(event.currentTarget.valueAsNumber)
        }}
      />
    </label>
  )
}

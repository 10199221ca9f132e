import type { Generation } from '../state/view-state.ts'

const fields = [
  ['maxNewTokens', 'new tokens', 1, 1000, 1],
  ['temperature', 'temperature', 0, 5, 0.1],
  ['seed', 'seed', 0, 999_999, 1],
] as const

/** The fields that say how a text is generated. */
export function GenerationFields({ typed, onType }: { typed: Generation; onType: (typed: Generation) => void }) {
  return (
    <>
      {fields.map(([name, label, min, max, step]) => (
        <label key={name}>
          {label}
          <input
            type="number"
            required
            min={min}
            max={max}
            step={step}
            value={typed[name]}
            disabled={name === 'seed' && typed.temperature === 0}
            onInput={event => onType({ ...typed, [name]: event.currentTarget.valueAsNumber || 0 })}
          />
        </label>
      ))}
    </>
  )
}

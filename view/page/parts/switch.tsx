/** A choice of one among a few, drawn as buttons side by side. */
export function Switch<T extends string>({
  legend,
  name,
  options,
  chosen,
  onChoose,
}: {
  /** What is chosen, for screen readers. */
  legend: string
  /** The name of the group of radio buttons, which no other group of the page has. */
  name: string
  options: readonly (readonly [value: T, text: string])[]
  chosen: T
  onChoose: (value: T) => void
}) {
  return (
    <fieldset class="switch">
      <legend class="hidden">{legend}</legend>
      {options.map(([value, text]) => (
        <label key={value}>
          <input type="radio" name={name} checked={value === chosen} onChange={() => onChoose(value)} />
          <span>{text}</span>
        </label>
      ))}
    </fieldset>
  )
}

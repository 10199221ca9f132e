/** A table of tokens. Each has a number of its own, such as its id, and a share from 0 to 1 that is also drawn as a bar. */
export function ShareTable({
  caption,
  columns,
  rows,
  class: own = '',
}: {
  /** What the table lists, for screen readers. */
  caption: string
  /** What the number and the share are. The number stands alone where the tokens have no texts. */
  columns: readonly [number: string, share: string]
  rows: readonly { readonly text?: string | undefined; readonly number: number; readonly share: number }[]
  class?: string
}) {
  const haveTexts = rows.some(({ text }) => text !== undefined)
  return (
    <table class={`numbers bars ${own}`}>
      <caption class="hidden">{caption}</caption>
      <thead>
        <tr>
          {haveTexts && (
            <th scope="col" class="left">
              token
            </th>
          )}
          {columns.map(name => (
            <th key={name} scope="col">
              {name}
            </th>
          ))}
          <th scope="col">
            <span class="hidden">bar</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {rows.map(({ text, number, share }) => (
          <tr key={number}>
            {haveTexts && <td class="left token-text">{text}</td>}
            <td>{number}</td>
            <td>{share.toFixed(4)}</td>
            <td class="bar">
              <i style={{ width: `${100 * share}%` }} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

/** Says which edit is on: its first line, and the whole of it under the pointer. A click leads to the edit; the cross removes it. */
export function CurrentEdit({
  template,
  onOpen,
  onRemove,
}: {
  template: string
  onOpen: () => void
  onRemove: () => void
}) {
  const lines = template.split('\n').filter(line => line.trim() !== '')
  return (
    <span class="current-edit">
      <button type="button" class="code" title={template} onClick={onOpen}>
        <span class="hidden">Edit that is on: </span>
        {lines[0]}
        {lines.length > 1 && <small> and {lines.length - 1} more</small>}
      </button>
      <button type="button" aria-label="Remove the edit" title="Remove the edit" onClick={onRemove}>
        ×
      </button>
    </span>
  )
}

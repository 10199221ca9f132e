import { useEffect, useState } from 'preact/hooks'

/** A button that copies a text to the clipboard and then says so. */
export function CopyButton({ name, text }: { name: string; text: () => string }) {
  const [message, setMessage] = useState<string>()
  useEffect(() => {
    if (message === undefined) return
    const timer = setTimeout(() => setMessage(undefined), 2000)
    return () => clearTimeout(timer)
  }, [message])
  return (
    <button
      type="button"
      onClick={() => {
        navigator.clipboard.writeText(text()).then(
          () => setMessage('Copied'),
          () => setMessage('Not allowed'),
        )
      }}
    >
      <span aria-live="polite">{message ?? name}</span>
    </button>
  )
}

import { useEffect, useState } from 'preact/hooks'

/** Puts a text into the clipboard, and says so. */
export function CopyButton({ name, text }: { name: string; text: () => string }) {
  const [said, setSaid] = useState<string>()
  useEffect(() => {
    if (said === undefined) return
    const timer = setTimeout(() => setSaid(undefined), 2000)
    return () => clearTimeout(timer)
  }, [said])
  return (
    <button
      type="button"
      onClick={() => {
        navigator.clipboard.writeText(text()).then(
          () => setSaid('Copied'),
          () => setSaid('Not allowed'),
        )
      }}
    >
      <span aria-live="polite">{said ?? name}</span>
    </button>
  )
}

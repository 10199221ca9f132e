import type { ComponentChildren } from 'preact'

/** What may be wider than the page: the keyboard can scroll it. */
export function Scrolling({
  label,
  isTall = false,
  children,
}: {
  label: string
  /** It may be higher too: its head stays. */
  isTall?: boolean
  children: ComponentChildren
}) {
  return (
    <section
      class={isTall ? 'table-scroll is-tall' : 'table-scroll'}
      aria-label={label}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: without a place in the tab order arrows can't scroll it
      tabIndex={0}
    >
      {children}
    </section>
  )
}

import type { ComponentChildren } from 'preact'

/** A part that may be wider than the page. The keyboard can scroll it. */
export function Scrolling({
  label,
  isTall = false,
  children,
}: {
  label: string
  /** Whether it may also be higher than the page; then its heading stays visible. */
  isTall?: boolean
  children: ComponentChildren
}) {
  return (
    <section
      class={isTall ? 'table-scroll is-tall' : 'table-scroll'}
      aria-label={label}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: arrow keys can scroll it only if it has the focus
      tabIndex={0}
    >
      {children}
    </section>
  )
}

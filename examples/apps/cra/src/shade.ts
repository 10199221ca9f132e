import type { CSSProperties } from 'react'

/** How strongly a cell is filled, from 0 to 1. */
export const shade = (share: number): CSSProperties => ({ '--share': share }) as CSSProperties

/** A character with visible signs for spaces and line breaks. */
export const show = (char: string): string => (char === ' ' ? '␣' : char === '\n' ? '⏎' : char)

export const percent = (share: number): string => `${Math.round(100 * share)} %`

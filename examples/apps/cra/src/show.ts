/** A character as it can be seen. */
export const show = (char: string): string => (char === ' ' ? '␣' : char === '\n' ? '⏎' : char)

export const percent = (share: number): string => `${Math.round(100 * share)} %`

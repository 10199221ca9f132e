/** A character as it can be seen. */
export const show = char => (char === ' ' ? '␣' : char === '\n' ? '⏎' : char)

export const percent = share => `${Math.round(100 * share)} %`

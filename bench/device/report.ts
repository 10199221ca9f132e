/** A table, or the error that kept it from being made. */
export type Part =
  | { readonly head: readonly string[]; readonly rows: readonly (readonly (string | number)[])[] }
  | { readonly failed: string }

export interface Report {
  readonly provider: 'cuda' | 'cpu'
  readonly machine: string
  readonly date: string
  readonly parts: Record<string, Part>
}

export const fixed = (value: number, digits = 2): string => value.toFixed(digits)

import type { ComparedModels } from '../../protocol/api.ts'

/** The share of the error by module: a module has that of all modules in it. */
export function sharesOf({ blame }: ComparedModels): ReadonlyMap<string, number> {
  const shares = new Map<string, number>()
  for (const { module, share } of blame) {
    if (!Number.isFinite(share)) continue
    const names = module.split('.')
    for (let end = names.length; end > 0; end--) {
      const path = names.slice(0, end).join('.')
      shares.set(path, (shares.get(path) ?? 0) + share)
    }
  }
  return shares
}

/** A share in percent: `43 %`, `0.3 %`. */
export function percentOf(share: number | null): string {
  if (share === null) return '–'
  const value = 100 * share
  if (Math.abs(value) < 0.05) return '0 %'
  return `${Math.abs(value) >= 10 || value === 0 ? Math.round(value) : Number(value.toPrecision(2))} %`.replace(
    '-',
    '−',
  )
}

/** A number of three digits. */
export const three = (value: number | null | undefined): string =>
  value === null || value === undefined ? '–' : String(Number(value.toPrecision(3))).replace('-', '−')

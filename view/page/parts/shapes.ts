import type { SentShape } from '../../protocol/api.ts'

/** Formats a dtype and dims: `float32 [1, 10, 128]`. */
export const showShape = ({ type, dims }: { readonly type: string; readonly dims?: SentShape['dims'] }): string =>
  `${type} ${dims ? `[${dims.map(dim => dim ?? '?').join(', ')}]` : '[…]'}`

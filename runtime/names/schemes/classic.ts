import type { NamingScheme } from './scheme.ts'

/** The end of a fused node's name, as onnxruntime's optimiser writes it: `/encoder/self/MatMul/MatMulScaleFusion/`. */
const FUSION = /(\/+\w*Fusion)+\/*$/

/**
 * torch.onnx.export's first exporter, and optimum: `/transformer/h.0/attn/c_attn/Gemm_1`. A called container is written twice,
 * `/features/features.0/Conv`: the part repeats its parent's name.
 */
export const classic: NamingScheme = {
  name: 'classic',
  scopeOf({ name }) {
    if (!name.startsWith('/')) return undefined
    return { path: splitScope(name.replace(FUSION, '').split('/').slice(1, -1)) }
  },
  /** `/encoder/layer.0/output/dense/Add_output_0`: made by the node of that name, before an optimiser fused it. */
  scopeOfValue(name) {
    if (!/^\/.*[_/]output_\d+$/.test(name)) return undefined
    return { path: splitScope(name.split('/').slice(1, -1)) }
  },
  placeIn(path, name, sibling) {
    return { name: `/${[...(sibling ? sibling.name.split('/').slice(1, -1) : joinScope(path)), name].join('/')}` }
  },
}

/** `['features', 'features.0']` is `['features', '0']`; `['h.0']` is `['h', '0']`. */
export function splitScope(parts: readonly string[]): string[] {
  const path: string[] = []
  let parent = ''
  for (const part of parts) {
    const own = parent !== '' && part.startsWith(`${parent}.`) ? part.slice(parent.length + 1) : part
    path.push(...own.split('.').filter(name => name !== ''))
    parent = part
  }
  return path
}

/** The inverse of `splitScope`: a number is written with its list, `h.0`. */
export function joinScope(path: readonly string[]): string[] {
  const parts: string[] = []
  for (const name of path) {
    if (/^\d+$/.test(name) && parts.length > 0) parts.push(`${parts.pop()}.${name}`)
    else parts.push(name)
  }
  return splitScope(parts).join('/') === path.join('/') ? parts : [...path]
}

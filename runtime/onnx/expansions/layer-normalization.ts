import type { PlainNodes } from './plain-nodes.ts'

export interface Norm {
  readonly x: string
  readonly gamma: string
  /** '' for none. */
  readonly beta: string
  readonly epsilon: number
  /** The name of the result. */
  readonly as: string
}

/** Normalises over the last axis: with the operator LayerNormalization from opset 17 on, and with the nodes of its definition before. */
export function layerNormalization(plain: PlainNodes, opset: number, { x, gamma, beta, epsilon, as }: Norm): void {
  if (opset >= 17) {
    const inputs = [x, gamma, beta].filter(Boolean)
    plain.addMany('LayerNormalization', inputs, { axis: -1, epsilon: { float: epsilon } }, [['norm', as]])
    return
  }
  // norms.ts has this definition too. The two stay apart: the nodes there compute in float32, and users see `variance` as `mean_square`.
  const centred = plain.add('Sub', [x, plain.add('ReduceMean', [x], { axes: [-1] }, 'mean')], {}, 'centred')
  const squares = plain.add('Mul', [centred, centred], {}, 'square')
  const variance = plain.add('ReduceMean', [squares], { axes: [-1] }, 'variance')
  const stable = plain.add('Add', [variance, plain.number(epsilon)], {}, 'stable')
  const unit = plain.add('Div', [centred, plain.add('Sqrt', [stable], {}, 'deviation')], {}, 'unit')
  if (!beta) plain.add('Mul', [unit, gamma], {}, 'norm', as)
  else plain.add('Add', [plain.add('Mul', [unit, gamma], {}, 'scaled'), beta], {}, 'norm', as)
}

import type { TextGraph } from '../text-graph.ts'
import { activations } from './activations.ts'
import { attention } from './attention.ts'
import { convolutions } from './convolutions.ts'
import { norms } from './norms.ts'
import { precisions } from './precisions.ts'
import { products } from './products.ts'
import { quantised } from './quantised.ts'
import { shapes } from './shapes.ts'
import { small } from './small.ts'

/** The shapes of graphs that onnxruntime's optimisers look for: nearly every optimiser finds at least one of these. */
export const patterns: readonly TextGraph[] = [
  ...activations,
  ...norms,
  ...attention,
  ...products,
  ...shapes,
  ...convolutions,
  ...small,
  ...quantised,
  ...precisions,
]

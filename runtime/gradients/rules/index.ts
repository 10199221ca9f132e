import type { ForwardNode, Rule } from '../forward-node.ts'
import { binaryRules } from './binary.ts'
import { normalisationRules } from './normalisation.ts'
import { packedProductRules } from './packed-product.ts'
import { productRules } from './product.ts'
import { reductionRules } from './reduction.ts'
import { selectionRules } from './selection.ts'
import { shapeRules } from './shape.ts'
import { unaryRules } from './unary.ts'

/** Rules of operators of ONNX, and of those of onnxruntime that are not written out in plain ones. */
const rules: Readonly<Record<string, Rule>> = {
  ...unaryRules,
  ...binaryRules,
  ...productRules,
  ...packedProductRules,
  ...reductionRules,
  ...normalisationRules,
  ...shapeRules,
  ...selectionRules,
}

/** The rule of a node's operator, if there is one. */
export function ruleOf({ opType }: Pick<ForwardNode, 'opType'>): Rule | undefined {
  return Object.hasOwn(rules, opType) ? rules[opType] : undefined
}

import type { ForwardNode, Rule } from '../forward-node.ts'
import { binaryRules } from './binary.ts'
import { channelNormalisationRules } from './channel-normalisation.ts'
import { convolutionRules } from './convolution.ts'
import { einsum } from './einsum.ts'
import { lossRules } from './loss.ts'
import { normalisationRules } from './normalisation.ts'
import { packedProductRules } from './packed-product.ts'
import { poolingRules } from './pooling.ts'
import { productRules } from './product.ts'
import { quantisedRules } from './quantised.ts'
import { recurrentRules } from './recurrent.ts'
import { reductionRules } from './reduction.ts'
import { scatterRules } from './scatter.ts'
import { selectionRules } from './selection.ts'
import { shapeRules } from './shape.ts'
import { spaceRules } from './space.ts'
import { unaryRules } from './unary.ts'

/** The rules of ONNX's operators, and of those operators of onnxruntime that are not expanded to ONNX's. */
const rules: Readonly<Record<string, Rule>> = {
  ...unaryRules,
  ...binaryRules,
  ...productRules,
  ...packedProductRules,
  ...reductionRules,
  ...normalisationRules,
  ...shapeRules,
  ...selectionRules,
  ...convolutionRules,
  ...poolingRules,
  ...scatterRules,
  ...spaceRules,
  ...lossRules,
  ...quantisedRules,
  ...recurrentRules,
  ...channelNormalisationRules,
  Einsum: einsum,
}

/** The domains whose operators have rules. Others have operators of the same names, such as convolutions of blocked channels. */
const DOMAINS = new Set(['', 'ai.onnx', 'com.microsoft'])

/** The rule of a node's operator, if there is one. */
export function ruleOf({ opType, domain }: Pick<ForwardNode, 'opType' | 'domain'>): Rule | undefined {
  return DOMAINS.has(domain) && Object.hasOwn(rules, opType) ? rules[opType] : undefined
}

const LOOP = 'its steps hide values that the gradient needs. There is no rule for loops over a body.'

/** Why common operators have no rule. */
const REFUSALS: Readonly<Record<string, string>> = {
  If: 'its condition is a value that the model computes. Only branches that the inputs or their dims decide have a gradient.',
  Loop: LOOP,
  Scan: LOOP,
}

/** Why an operator has no rule; undefined if there is no more to say. */
export const refusalOf = (opType: string): string | undefined => REFUSALS[opType]

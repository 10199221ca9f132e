import type { ComparisonData } from './data.ts'
import { percent } from './numbers.ts'

/** Up to this, models count as equal: KL in nats, or the difference's length as a share of the output's length. */
const NEGLIGIBLE = { kl: 1e-5, relative: 1e-4 }

type Found = Omit<ComparisonData, 'version' | 'advice'>

/** Whether the outputs differ by more than rounding. */
export const differs = ({ output, logits }: Pick<Found, 'output' | 'logits'>): boolean =>
  !(output.mean <= (logits ? NEGLIGIBLE.kl : NEGLIGIBLE.relative))

/** One sentence about what to do. */
export function adviceOf(found: Found): string {
  const { output, culprit, blame, unexplained, modules } = found
  if (output.mean === 0) return 'Both models give the same output: nothing is to blame.'
  if (!differs(found)) return 'The outputs differ by rounding only: the second model can take the first one’s place.'
  if (culprit !== null) {
    const made = modules.find(({ module }) => module === culprit)?.made
    const share = percent(blame[0].share)
    const { node } = blame[0]
    if (node !== null) return `The node ${node} makes ${share} of the error: check its weights, constants and inputs.`
    if (made && made.nonFinite > 0)
      return `${culprit} makes NaN or infinite values from inputs that are fine: compute it in float32.`
    if (made && made.clipped > 0.01)
      return `${culprit} makes ${share} of the error, and ${percent(made.clipped)} of its values are clipped: widen its range, or leave it in float.`
    if (made && Math.abs(made.cosine) < 0.5)
      return `${culprit} makes ${share} of the error, and computes something else than in the first model: check how its weights were converted.`
    return made
      ? `${culprit} makes ${share} of the error: leave it in float, or check its weights, scales and zero points.`
      : `${culprit} makes ${share} of the error, by its own operations and not by a module inside it: check its mask, its constants and its order of operations.`
  }
  if (unexplained.outside >= 0.5 || blame.length === 0 || sumOf(blame) < 0.5)
    return 'No module explains the error: look at what the second model computes outside of modules, before and after them.'
  const [first] = blame
  const needed = blame.findIndex((_, i) => sumOf(blame.slice(0, i + 1)) >= 0.8 * sumOf(blame)) + 1
  return needed <= 5
    ? `Leave ${blame
        .slice(0, needed)
        .map(({ module }) => module)
        .join(', ')} in float: they make ${percent(sumOf(blame.slice(0, needed)))} of the error.`
    : `The error comes from many modules, and the largest part, ${first.module}, is ${percent(first.share)}: quantise all of them more finely.`
}

const sumOf = (blame: ComparisonData['blame']): number => blame.reduce((sum, { share }) => sum + share, 0)

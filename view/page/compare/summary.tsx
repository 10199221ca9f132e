import type { ComparedModels } from '../../protocol/api.ts'
import { percentOf, three } from './shares.ts'

/** What to do, how far the outputs are apart, and how many modules were paired. */
export function Summary({ result }: { result: ComparedModels }) {
  const { advice, output, logits, inputs, pairs, unpaired, unexplained } = result
  return (
    <>
      <p class="verdict">{advice}</p>
      <p class="meta">
        <span>
          {output.metric} {three(output.mean)}, on {inputs.length === 1 ? 'one input' : `${inputs.length} inputs`}
        </span>
        {inputs.length > 1 && (
          <span title={output.worst.input}>
            at worst {three(output.worst.value)}: “{output.worst.input.slice(0, 40)}”
          </span>
        )}
        {logits && (
          <span>
            same likeliest token {percentOf(logits.top1)}, of the likeliest five {percentOf(logits.top5)}
          </span>
        )}
        <span>{pairs.length} modules have a partner</span>
        {unpaired.a.length > 0 && <span title={unpaired.a.join(', ')}>{unpaired.a.length} only in the first</span>}
        {unpaired.b.length > 0 && <span title={unpaired.b.join(', ')}>{unpaired.b.length} only in the second</span>}
        <span>
          outside of modules {percentOf(unexplained.outside)}, what the parts do not add up to{' '}
          {percentOf(unexplained.rest)}
        </span>
      </p>
    </>
  )
}

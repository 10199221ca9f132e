import type { ModelDescription, Overview } from '../../protocol/api.ts'
import { bytes, grouped } from '../parts/numbers.ts'
import { showShape } from '../parts/shapes.ts'

/** How many inputs or outputs are listed. A model with a cache has dozens. */
const MAX_LISTED = 4

/** What the model is, in numbers. */
export function Facts({ model, overview }: { model: ModelDescription; overview: Overview | undefined }) {
  const { kind, architecture, opset, context, entries, lens, inputs, outputs } = model
  const [root] = model.modules
  const layers = 'reason' in lens ? undefined : lens.layers.length
  const width = layers === undefined ? undefined : overview?.stages.at(-1)?.dims.at(-1)
  const facts: readonly (readonly [string, string | undefined])[] = [
    ['kind', architecture === undefined ? kind : `${kind}, ${architecture}`],
    ['parameters', `${grouped(root.parameters)} in ${bytes(root.bytes)}`],
    ['layers', layers === undefined ? undefined : `${layers}${width === undefined ? '' : ` of width ${width}`}`],
    ['vocabulary', entries === undefined ? undefined : `${grouped(entries)} tokens`],
    ['context', context === undefined ? undefined : `${grouped(context)} tokens`],
    ['takes', listed(inputs)],
    ['gives', listed(outputs)],
    ['operations', `${grouped(root.nodes)}${opset === undefined ? '' : `, opset ${opset}`}`],
  ]
  return (
    <dl class="facts">
      {facts.map(
        ([name, value]) =>
          value !== undefined && (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ),
      )}
    </dl>
  )
}

/** The names of inputs or outputs; of a single one also its dtype and dims. Those of a cache are only counted. */
function listed(values: ModelDescription['outputs']): string {
  const isCache = ({ name }: { readonly name: string }): boolean => /past|present|cache/i.test(name)
  const shown = values.filter(value => !isCache(value)).slice(0, MAX_LISTED)
  const rest = values.length - shown.length
  const texts = shown.map(value => (shown.length === 1 ? `${value.name} ${showShape(value)}` : value.name))
  return [...texts, ...(rest > 0 ? [`${rest} more${values.some(isCache) ? ', with a cache' : ''}`] : [])].join(', ')
}

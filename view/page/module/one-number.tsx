import type { Sides, ValueSummary } from '../../protocol/api.ts'
import { numberOf, show } from '../parts/numbers.ts'

/** A value that is a single number, such as a probability. A map or a histogram of it would say nothing. */
export function OneNumber({ value, compared }: { value: ValueSummary; compared: Sides<ValueSummary> | undefined }) {
  const entries: readonly (readonly [string, ValueSummary | undefined])[] = compared
    ? [
        ['unedited', compared.unedited],
        ['edited', value],
        ['edited − unedited', compared.difference],
      ]
    : [['value', value]]
  return (
    <>
      <h3>
        Activation <small>one number</small>
      </h3>
      <dl class="statistics is-large">
        {entries.map(
          ([name, part]) =>
            part && (
              <div key={name}>
                <dt>{name}</dt>
                <dd>{show(numberOf(part.map.cells[0][0]))}</dd>
              </div>
            ),
        )}
      </dl>
    </>
  )
}

import type { ComparedModels } from '../../protocol/api.ts'
import { Scrolling } from '../parts/scrolling.tsx'
import { percentOf, three } from './shares.ts'

/** How many modules are listed. */
const MAX_LISTED = 15

interface BlameProps {
  readonly result: ComparedModels
  readonly onModule: (path: string, node?: string) => void
}

/** The modules that cause the error, the guiltiest first. */
export function Blame({ result: { blame, modules }, onModule }: BlameProps) {
  const guilty = blame.filter(({ effect }) => effect !== 0)
  if (guilty.length === 0) return null
  const numbers = new Map(modules.map(one => [one.module, one]))
  return (
    <section aria-labelledby="blame-title">
      <h3 id="blame-title">
        To blame <small>the share of the error that each module causes</small>
      </h3>
      <Scrolling label="To blame">
        <table class="numbers bars blame">
          <caption class="hidden">The modules with the largest shares of the error</caption>
          <thead>
            <tr>
              <th scope="col" class="left">
                module
              </th>
              <th scope="col">share</th>
              <th scope="col" title="where the share lies in 95 of 100 draws of the inputs">
                interval
              </th>
              <th scope="col">
                <span class="hidden">bar</span>
              </th>
              <th scope="col">made here</th>
              <th scope="col">dB</th>
              <th scope="col">arriving</th>
            </tr>
          </thead>
          <tbody>
            {guilty.slice(0, MAX_LISTED).map(({ module, node, share, interval }) => {
              const { made, arriving } = (node === null && numbers.get(module)) || {}
              return (
                <tr key={`${module} ${node}`}>
                  <td class="left">
                    <button type="button" class="link code" onClick={() => onModule(module, node ?? undefined)}>
                      {node ?? module}
                    </button>
                  </td>
                  <td>{percentOf(share)}</td>
                  <td>{interval.map(percentOf).join(' … ')}</td>
                  <td class="bar">
                    <i style={{ width: `${100 * Math.min(1, Math.max(0, share))}%` }} />
                  </td>
                  <td>{three(made?.relative)}</td>
                  <td>{three(made?.snr)}</td>
                  <td>{three(arriving?.relative)}</td>
                </tr>
              )
            })}
          </tbody>
        </table>
      </Scrolling>
      {guilty.length > MAX_LISTED && (
        <p class="hint">… and {guilty.length - MAX_LISTED} more, which the tree shows with their shares.</p>
      )}
    </section>
  )
}

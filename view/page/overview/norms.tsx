import type { Overview, Stage } from '../../protocol/api.ts'
import { robustLimits } from '../module/maps.tsx'
import type { PanelProps } from '../panel-props.ts'
import { Cells } from '../parts/cells.tsx'
import { HeatMap } from '../parts/heat-map.tsx'
import { numberOf, show } from '../parts/numbers.ts'
import { tokenText } from '../parts/tokens.ts'
import { forModule } from '../state/view-state.ts'
import { rowNames, shortNames } from './names.ts'

/** The size of the values on the way through the model. */
export function Norms({ overview, tokens, change }: PanelProps & { readonly overview: Overview }) {
  const { stages, norms, of } = overview
  if (stages.length === 0) return null
  const areTokens = norms !== undefined && norms.columns === tokens?.length
  const open = ({ path, node }: Stage, token?: number): void =>
    change({ tab: 'module', ...forModule(path, node), ...(token === undefined ? {} : { token }) })
  const what = stages[0].node === undefined ? 'output' : 'operation'
  return (
    <section aria-labelledby="norms-title">
      <h3 id="norms-title">
        Size of the values on the way{' '}
        <small>{of > stages.length ? `${stages.length} of ${of} ${what}s` : `${stages.length} ${what}s`}</small>
      </h3>
      {norms && (
        <>
          <p class="hint">
            The norm of each {areTokens ? 'token’s' : 'row’s'} vector after each {areTokens ? 'layer' : what}.
            {isClipped(norms) && ' The largest hundredth has the lightest colour.'} A click opens the module.
          </p>
          <HeatMap
            map={norms}
            label={`Norms, ${norms.rows} by ${norms.columns}`}
            domain={limitsOf(norms)}
            axes={[what, areTokens ? 'token' : 'row']}
            rowLabels={rowNames(stages.map(({ name }) => name))}
            columnLabels={areTokens ? tokens.map(tokenText) : undefined}
            onChoose={(row, column) => open(stages[row], areTokens ? column : undefined)}
            name={({ row, column }) =>
              `${stages[row * norms.factors[0]]?.name ?? ''} · ${areTokens && norms.factors[1] === 1 ? `token ${column} “${tokenText(tokens[column])}”` : `row ${column * norms.factors[1]}`}`
            }
          />
        </>
      )}
      {!norms && <Stages stages={stages} onStage={open} />}
    </section>
  )
}

const isClipped = (map: NonNullable<Overview['norms']>): boolean => {
  const [, most] = limitsOf(map)
  return map.cells.some(row => row.some(cell => numberOf(cell) > most))
}

/** The limits of the colours. They hold for all layers, so that growth from layer to layer can be seen. */
function limitsOf(map: NonNullable<Overview['norms']>): readonly [number, number] {
  const [, most] = robustLimits([map], false)
  return [0, most || 1]
}

/** A row for each value: its dims, its size as a bar, and the picture of its channels, if it has some. */
function Stages({ stages, onStage }: { stages: readonly Stage[]; onStage: (stage: Stage) => void }) {
  const sizes = stages.map(({ size }) => numberOf(size))
  const largest = Math.max(...sizes.filter(Number.isFinite), 1e-12)
  const hasMaps = stages.some(({ map }) => map)
  const names = stages.map(({ name }) => name)
  const short = shortNames(names)
  // A number alone is no name, and the number of an operation isn't part of a path.
  const areShort = stages.every(({ node }) => node === undefined) && short.some(name => /\D/.test(name))
  const shown = areShort ? short : names
  return (
    <>
      <p class="hint">
        The bar is the root mean square of all elements
        {hasMaps ? '; the picture is that over the channels, by row and column' : ''}. A click opens the values.
      </p>
      <ol class="stages">
        {stages.map((stage, i) => (
          <li key={i}>
            <button type="button" onClick={() => onStage(stage)}>
              {stage.map && (
                <span class="stage-map">
                  <Cells cells={stage.map.cells} domain={limitsOf(stage.map)} />
                </span>
              )}
              <span class="stage-name code" title={stage.name}>
                {shown[i]}
              </span>
              <small class="code">[{stage.dims.join(', ')}]</small>
              <span class="stage-bar">
                <i style={{ width: `${Number.isFinite(sizes[i]) ? (100 * sizes[i]) / largest : 100}%` }} />
              </span>
              <small>{show(sizes[i])}</small>
            </button>
          </li>
        ))}
      </ol>
    </>
  )
}

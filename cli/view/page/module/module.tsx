import { useEffect, useState } from 'preact/hooks'
import type { ModuleView, RunRequest, Token, ViewedModel } from '../../api.ts'
import type { Client } from '../client.ts'
import type { Given } from '../input/input.tsx'
import { HeatMap } from '../parts/heat-map.tsx'
import { bytes, grouped } from '../parts/numbers.ts'
import { showShape } from '../parts/shapes.ts'
import { tokenText } from '../parts/tokens.ts'
import { Waiting } from '../parts/waiting.tsx'
import { useAnswer } from '../use-answer.ts'
import { AttentionPattern } from './attention.tsx'
import { RowValues } from './row-values.tsx'
import { StatisticsLine } from './statistics.tsx'

export interface ModuleProps {
  readonly model: ViewedModel
  readonly client: Client
  readonly given: Given | undefined
  readonly path: string
  /** What was run last; without one there is only the unedited model. */
  readonly template: string | undefined
  readonly position: number | undefined
  readonly onPosition: (position: number) => void
}

/** What goes through the chosen module. */
export function ModulePanel({ model, client, given, path, template, position, onPosition }: ModuleProps) {
  const [isEdited, setEdited] = useState(false)
  const [value, setValue] = useState<number>()
  const [leading, setLeading] = useState<readonly number[]>([])
  const [pattern, setPattern] = useState<{ node: string; head: number }>()
  useEffect(() => {
    setValue(undefined)
    setLeading([])
    setPattern(undefined)
  }, [path])
  const used = isEdited ? template : undefined
  const request: RunRequest & { path: string } = {
    ...(given?.request ?? { inputs: {} }),
    path,
    ...(used === undefined ? {} : { template: used }),
    ...(value === undefined ? {} : { value }),
    leading,
    ...(pattern ? { pattern } : {}),
  } as never
  const key = given && JSON.stringify([given.number, path, used, value, leading, pattern])
  const answer = useAnswer<ModuleView>(client, 'module', request, key)
  const module = model.modules.find(other => other.path === path)
  if (!module) return null
  return (
    <section aria-labelledby="module-title">
      <header class="module-head">
        <h2 id="module-title" class="code">
          {path === '' ? 'model' : path}
        </h2>
        <p class="meta">
          {module.className && <span>{module.className}</span>}
          <span>
            {grouped(module.nodes)} {module.nodes === 1 ? 'node' : 'nodes'}
          </span>
          {module.parameters > 0 && (
            <span>
              {grouped(module.parameters)} parameters, {bytes(module.bytes)}
            </span>
          )}
          {module.weights.map(weight => (
            <span key={weight.name} class="code">
              {weight.name} {showShape(weight)}
            </span>
          ))}
        </p>
        {template !== undefined && (
          <fieldset class="switch">
            <legend class="hidden">Which run</legend>
            {[false, true].map(one => (
              <label key={String(one)}>
                <input type="radio" name="which-run" checked={isEdited === one} onChange={() => setEdited(one)} />
                <span>{one ? 'Edited' : 'Unedited'}</span>
              </label>
            ))}
          </fieldset>
        )}
      </header>
      {!given && <p class="empty">Give the model an input to see what goes through this module.</p>}
      <Waiting
        answer={answer}
        show={view => (
          <Values
            view={view}
            tokens={given?.tokens}
            position={position}
            onPosition={onPosition}
            onValue={chosen => {
              setValue(chosen)
              setLeading([])
            }}
            onLeading={setLeading}
            onPattern={setPattern}
            client={client}
            request={request}
            requestKey={key ?? ''}
          />
        )}
      />
    </section>
  )
}

interface ValuesProps {
  readonly view: ModuleView
  readonly tokens: readonly Token[] | undefined
  readonly position: number | undefined
  readonly onPosition: (position: number) => void
  readonly onValue: (value: number) => void
  readonly onLeading: (leading: readonly number[]) => void
  readonly onPattern: (pattern: { node: string; head: number }) => void
  readonly client: Client
  readonly request: unknown
  readonly requestKey: string
}

function Values({
  view,
  tokens,
  position,
  onPosition,
  onValue,
  onLeading,
  onPattern,
  client,
  request,
  requestKey,
}: ValuesProps) {
  const { values, shown, statistics, map, leading } = view
  const [ownRow, setOwnRow] = useState(0)
  // Rows are tokens where there are as many of them.
  const isTokens = tokens !== undefined && map?.rows === tokens.length
  const row = Math.min(isTokens ? (position ?? 0) : ownRow, (map?.rows ?? 1) - 1)
  const texts = isTokens ? tokens.map(tokenText) : undefined
  const [rowName, columnName] = isTokens ? ['token', 'channel'] : ['row', 'column']
  if (shown === undefined) return <p class="empty">No value passes here. {view.note}</p>
  return (
    <>
      <div class="table-scroll">
        <table class="values-list">
          <caption class="hidden">Values that leave and enter the module</caption>
          <thead>
            <tr>
              <th scope="col">value</th>
              <th scope="col">name</th>
              <th scope="col">dtype</th>
              <th scope="col">dims</th>
              <th scope="col">
                <span class="hidden">Show</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {values.map(({ side, name, type, dims }, i) => (
              <tr key={`${side} ${name}`} class={i === shown ? 'is-chosen' : undefined}>
                <td>{side}</td>
                <td class="code name-cell" title={name}>
                  {name}
                </td>
                <td class="code">{type}</td>
                <td class="code">[{dims.map(dim => dim ?? '?').join(', ')}]</td>
                <td>
                  {i === shown ? (
                    <span class="hint">shown</span>
                  ) : (
                    <button type="button" class="link" aria-label={`Show ${side} ${name}`} onClick={() => onValue(i)}>
                      show
                    </button>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {view.note && <p class="hint">{view.note}</p>}
      {statistics ? (
        <StatisticsLine statistics={statistics} />
      ) : (
        <p class="empty">This value holds no numbers to show.</p>
      )}
      {leading.some(({ size }) => size > 1) && (
        <div class="dims">
          {leading.map(({ size, at }, axis) =>
            size === 1 ? null : (
              <label key={axis}>
                axis {axis}
                <input
                  type="number"
                  min={0}
                  max={size - 1}
                  value={at}
                  onChange={event => {
                    const chosen = event.currentTarget.valueAsNumber
                    onLeading(
                      leading.map((one, i) => (i === axis ? Math.min(size - 1, Math.max(0, chosen || 0)) : one.at)),
                    )
                  }}
                />
                <span class="hint">of {size}</span>
              </label>
            ),
          )}
        </div>
      )}
      {map && statistics && (
        <>
          <h3>
            Activation <small>{rowName === 'token' ? 'tokens × channels' : 'last two dims'}</small>
          </h3>
          <HeatMap
            map={map}
            label={`Activation, ${map.rows} by ${map.columns}`}
            domain={[statistics.min ?? 0, statistics.max ?? 0]}
            axes={[rowName, columnName]}
            rowLabels={texts}
            isSquare={!isTokens && map.rows > 1 && map.columns <= 64}
            chosenRow={row}
            onChooseRow={isTokens ? onPosition : setOwnRow}
          />
          <RowValues
            client={client}
            request={{ ...(request as object), row }}
            requestKey={`${requestKey} ${row}`}
            title={isTokens ? `Token ${row} “${texts?.[row]}”` : `Row ${row}`}
            columnName={columnName}
            rows={map.rows}
            row={row}
            onRow={isTokens ? onPosition : setOwnRow}
          />
        </>
      )}
      {view.pattern && (
        <AttentionPattern patterns={view.patterns} shown={view.pattern} tokens={tokens} onPattern={onPattern} />
      )}
    </>
  )
}

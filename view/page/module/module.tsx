import { useEffect, useState } from 'preact/hooks'
import type { ModuleRequest, ModuleView, RowWindow } from '../../protocol/api.ts'
import { firstShown } from '../../protocol/bodies.ts'
import { ChangeButtons } from '../edit/change-buttons.tsx'
import { inTemplate } from '../edit/suggestions.ts'
import type { PanelProps } from '../panel-props.ts'
import { grouped } from '../parts/numbers.ts'
import { Switch } from '../parts/switch.tsx'
import { tokenText } from '../parts/tokens.ts'
import { Waiting } from '../parts/waiting.tsx'
import { Waveform } from '../parts/waveform.tsx'
import { forModule, initialLine, type Line, type ViewState } from '../state/view-state.ts'
import { useAnswer } from '../use-answer.ts'
import { Activation } from './activation.tsx'
import { AttentionPattern } from './attention.tsx'
import { AxesChoice } from './axes.tsx'
import { Facets } from './facets.tsx'
import { Graph } from './graph/graph.tsx'
import { ModuleHead, OperationHead } from './head.tsx'
import { LineValues } from './line-values.tsx'
import { OneNumber } from './one-number.tsx'
import { Picture } from './picture.tsx'
import { ValuesList } from './values.tsx'

/** The tab with the values that go through the chosen module. */
export function ModulePanel(props: PanelProps) {
  const { model, client, runInputs, state, change } = props
  const { module: path, node, value, leading, axes, facets, pattern, allRows } = state
  const request: ModuleRequest = {
    ...props.request,
    path,
    ...(node === undefined ? {} : { node }),
    ...(value === undefined ? {} : { value }),
    ...(leading ? { leading } : {}),
    ...(axes ? { axes } : {}),
    ...(facets === undefined ? {} : { facets }),
    ...(pattern ? { pattern } : {}),
    ...(allRows ? { isWhole: true } : {}),
  }
  const module = model.modules.find(other => other.path === path)
  const isGraph = state.shown === 'graph' && node === undefined && module !== undefined && module.nodes > 1
  const key = isGraph
    ? undefined
    : runInputs &&
      module &&
      `${props.requestKey} ${JSON.stringify([path, node, value, leading, axes, facets, pattern, allRows])}`
  const answer = useRows(props, request, key)
  if (!module)
    return (
      <p class="empty">
        The model has no module <span class="code">{path}</span>.{' '}
        <button type="button" class="link" onClick={() => change(forModule(''))}>
          Show the whole model
        </button>
      </p>
    )
  return (
    <section aria-labelledby="module-title">
      {node === undefined ? (
        <ModuleHead module={module} />
      ) : (
        <OperationHead
          module={path}
          node={node}
          operation={answer.value?.operation}
          onModule={() => change(forModule(path))}
        />
      )}
      {node === undefined && module.nodes > 1 && (
        <div class="toolbar">
          <Switch
            legend="What is shown of the module"
            name="shown"
            options={shownNames}
            chosen={state.shown}
            onChoose={shown => change({ shown })}
          />
        </div>
      )}
      {isGraph && <Graph client={client} path={path} onItem={(to, op) => change(forModule(to, op))} />}
      {!runInputs && !isGraph && <p class="empty">Run the model on an input to see the values in this module.</p>}
      <Waiting
        answer={answer}
        show={view => <Values {...props} view={view} moduleRequest={request} moduleKey={key ?? ''} />}
      />
    </section>
  )
}

/** The values; of one with very many numbers, the rows around the chosen token. */
function useRows({ client, tokens, position }: PanelProps, request: ModuleRequest, key: string | undefined) {
  const [partlyRead, setPartlyRead] = useState<string>()
  const from = tokens && position !== undefined ? firstShown(position) : undefined
  // The last rows are read unless others are asked for.
  const isOther = key !== undefined && partlyRead === key && from !== firstShown((tokens?.length ?? 1) - 1)
  const answer = useAnswer<ModuleView>(
    client,
    'module',
    isOther ? { ...request, rowsFrom: from! } : request,
    key && `${key}${isOther ? ` ${from}` : ''}`,
  )
  const isPart = answer.value?.window !== undefined && answer.value.window.of === tokens?.length
  useEffect(() => {
    if (isPart && !answer.isLoading) setPartlyRead(key)
  }, [isPart, answer.isLoading])
  return answer
}

const shownNames = [
  ['values', 'Values'],
  ['graph', 'Graph'],
] as const

/** What the rows and the columns of the map stand for. */
function axesName(axes: ViewState['axes'], { dims = [], axes: names = [] }: ModuleView): string {
  const shown = axes ?? ([dims.length - 2, dims.length - 1] as const)
  if (shown.every(axis => names[axis]?.name)) return shown.map(axis => names[axis].name).join(' × ')
  return axes ? `axes ${axes[0]} × ${axes[1]}` : 'last two dims'
}

interface ValuesProps extends PanelProps {
  readonly view: ModuleView
  readonly moduleRequest: ModuleRequest
  readonly moduleKey: string
}

function Values(props: ValuesProps) {
  const { view, tokens, state, change, onEdit, client, requestKey, moduleRequest, moduleKey, position } = props
  const { values, valueIndex, statistics, map, leading, window } = view
  if (valueIndex === undefined) return <p class="empty">No value goes through this module. {view.note}</p>
  const sides = view.compared ? [statistics, view.compared.unedited.statistics] : [statistics]
  const hasMany = sides.some(one => one !== undefined && one.count > 1)
  // If the map has as many rows as there are tokens, its rows are tokens.
  const rows = window?.of ?? map?.rows ?? 1
  const firstRow = window?.from ?? 0
  const isTokens = tokens !== undefined && rows === tokens.length && state.axes === undefined
  const within = (at: number, count: number): number => Math.min(at, count - 1)
  const row = within(isTokens ? (position ?? 0) : state.line.row, rows)
  const column = within(state.line.column, map?.columns ?? 1)
  const texts = isTokens ? tokens.map(tokenText) : undefined
  const entries = view.vocabulary?.map(tokenText)
  const columnName = view.axes?.at(-1)?.name ?? 'channel'
  const areChannels = isTokens && columnName === 'channel'
  const axes = isTokens
    ? (['token', entries ? 'next token' : columnName] as const)
    : (['row', entries ? 'next token' : 'column'] as const)
  const onLine = (part: Partial<Line>): void =>
    change({
      line: { ...state.line, ...part },
      ...(isTokens && part.row !== undefined ? { token: part.row } : {}),
    })
  return (
    <>
      <ValuesList
        values={values}
        chosen={valueIndex}
        onValue={value => change({ ...forModule(state.module, state.node), pattern: state.pattern, value })}
      />
      {view.note && <p class="hint">{view.note}</p>}
      {values[valueIndex].side === 'output' && (state.node !== undefined || state.module !== '') && (
        <ChangeButtons
          place={
            state.node === undefined
              ? `${inTemplate(state.module)}.output`
              : `node(${JSON.stringify(state.node)}).output`
          }
          token={isTokens && values[valueIndex].dims.length === 3 ? row : undefined}
          module={state.node === undefined ? inTemplate(state.module) : undefined}
          edit={state.edit}
          onEdit={onEdit}
        />
      )}
      {view.dims && (
        <AxesChoice
          dims={view.dims}
          names={view.axes ?? []}
          axes={state.axes}
          leading={leading}
          facets={state.facets}
          onChange={part => change({ ...part, line: initialLine })}
        />
      )}
      {view.picture && <Picture picture={view.picture} />}
      {view.waveform && (
        <Waveform
          waveform={{ ...view.waveform, rate: props.model.preprocessing?.samplingRate }}
          name={values[valueIndex].name}
        />
      )}
      {view.facets && (
        <Facets
          facets={view.facets}
          names={view.axes ?? []}
          leading={leading}
          onLeading={at => change({ leading: at })}
        />
      )}
      {map && statistics && !hasMany && <OneNumber value={{ statistics, map }} compared={view.compared} />}
      {map && statistics && hasMany && (
        <>
          <h3>
            Activation{' '}
            <small>
              {isTokens && (entries || areChannels)
                ? `tokens × ${entries ? 'vocabulary' : 'channels'}`
                : axesName(state.axes, view)}
            </small>
          </h3>
          {window && (
            <RowsRead window={window} name={isTokens ? 'tokens' : 'rows'} onAll={() => change({ allRows: true })} />
          )}
          <Activation
            value={{ statistics, map }}
            compared={view.compared}
            axes={axes}
            rowLabels={texts?.slice(firstRow)}
            firstRow={firstRow}
            columnLabels={entries && entries.length > 0 ? entries : undefined}
            limits={state.limits}
            onLimits={limits => change({ limits })}
            isSquare={!isTokens && map.rows > 1 && map.columns <= 64}
            chosenRow={
              state.line.axis === 'row' && row >= firstRow && row < firstRow + map.rows ? row - firstRow : undefined
            }
            onChoose={(r, c) => onLine({ row: firstRow + r, column: c })}
          />
          <LineValues
            client={client}
            request={moduleRequest}
            requestKey={moduleKey}
            line={{ ...state.line, row, column }}
            onLine={onLine}
            axes={axes}
            texts={texts}
            rows={rows}
            columns={map.columns}
            isLogits={entries !== undefined}
          />
        </>
      )}
      {!(map && statistics) && <p class="empty">This value has no numbers to show.</p>}
      {view.pattern && (
        <AttentionPattern
          client={client}
          request={moduleRequest}
          requestKey={`${requestKey} ${state.module}`}
          patterns={view.patterns}
          pattern={view.pattern}
          tokens={tokens}
          batch={state.batch}
          onBatch={tokens ? undefined : batch => change({ batch })}
          onPattern={pattern => change({ pattern })}
          limits={state.limits}
          position={position}
          onPosition={token => change({ token })}
        />
      )}
    </>
  )
}

/** Says which rows were read of a value with very many numbers. */
function RowsRead({ window, name, onAll }: { window: RowWindow; name: string; onAll: () => void }) {
  const { from, count, of } = window
  return (
    <div class="toolbar">
      <span class="hint">
        Of {name} {grouped(from)} to {grouped(from + count - 1)}: with all {grouped(of)} it takes longer.
      </span>
      <button type="button" class="link" onClick={onAll}>
        Read all {grouped(of)} {name}
      </button>
    </div>
  )
}

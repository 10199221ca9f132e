import type { ModuleRequest, ModuleView, Token, ViewedModel } from '../../protocol/api.ts'
import type { Client } from '../client.ts'
import type { Given } from '../input/given.ts'
import { atModule, type Line, type Look } from '../look/look.ts'
import type { Change } from '../look/use-look.ts'
import { bytes, grouped } from '../parts/numbers.ts'
import { showShape } from '../parts/shapes.ts'
import { tokenText } from '../parts/tokens.ts'
import { Waiting } from '../parts/waiting.tsx'
import { useAnswer } from '../use-answer.ts'
import { AttentionPattern } from './attention.tsx'
import { LineValues } from './line-values.tsx'
import { Seen } from './seen.tsx'
import { Leading, ValuesList } from './values.tsx'

export interface ModuleProps {
  readonly model: ViewedModel
  readonly client: Client
  readonly given: Given | undefined
  readonly look: Look
  readonly change: Change
  /** What of the look every view has: inputs, edit, side, row of the batch. */
  readonly request: Omit<ModuleRequest, 'path'>
  readonly requestKey: string
  readonly position: number | undefined
}

/** What goes through the chosen module. */
export function ModulePanel(props: ModuleProps) {
  const { model, client, given, look, change } = props
  const { module: path, value, leading, pattern } = look
  const request: ModuleRequest = {
    ...props.request,
    path,
    ...(value === undefined ? {} : { value }),
    ...(leading ? { leading } : {}),
    ...(pattern ? { pattern } : {}),
  }
  const module = model.modules.find(other => other.path === path)
  const key = given && module && `${props.requestKey} ${JSON.stringify([path, value, leading, pattern])}`
  const answer = useAnswer<ModuleView>(client, 'module', request, key)
  if (!module)
    return (
      <p class="empty">
        The model has no module <span class="code">{path}</span>.{' '}
        <button type="button" class="link" onClick={() => change(atModule(''))}>
          Show the whole model
        </button>
      </p>
    )
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
      </header>
      {!given && <p class="empty">Give the model an input to see what goes through this module.</p>}
      <Waiting
        answer={answer}
        show={view => (
          <Values
            {...props}
            view={view}
            tokens={given?.rows?.[look.batch]}
            moduleRequest={request}
            moduleKey={key ?? ''}
          />
        )}
      />
    </section>
  )
}

interface ValuesProps extends ModuleProps {
  readonly view: ModuleView
  readonly tokens: readonly Token[] | undefined
  readonly moduleRequest: ModuleRequest
  readonly moduleKey: string
}

function Values({ view, tokens, look, change, client, requestKey, moduleRequest, moduleKey, position }: ValuesProps) {
  const { values, shown, statistics, map, leading } = view
  if (shown === undefined) return <p class="empty">No value passes here. {view.note}</p>
  // Rows are tokens where there are as many of them.
  const isTokens = tokens !== undefined && map?.rows === tokens.length
  const within = (at: number, count: number): number => Math.min(at, count - 1)
  const row = within(isTokens ? (position ?? 0) : look.line.row, map?.rows ?? 1)
  const column = within(look.line.column, map?.columns ?? 1)
  const texts = isTokens ? tokens.map(tokenText) : undefined
  const axes = isTokens ? (['token', 'channel'] as const) : (['row', 'column'] as const)
  const onLine = (part: Partial<Line>): void =>
    change({
      line: { ...look.line, ...part },
      ...(isTokens && part.row !== undefined ? { token: part.row } : {}),
    })
  return (
    <>
      <ValuesList
        values={values}
        shown={shown}
        onValue={value => change({ ...atModule(look.module), pattern: look.pattern, value })}
      />
      {view.note && <p class="hint">{view.note}</p>}
      <Leading leading={leading} onLeading={at => change({ leading: at })} />
      {map && statistics ? (
        <>
          <h3>
            Activation <small>{isTokens ? 'tokens × channels' : 'last two dims'}</small>
          </h3>
          <Seen
            seen={{ statistics, map }}
            compared={view.compared}
            axes={axes}
            rowLabels={texts}
            isSquare={!isTokens && map.rows > 1 && map.columns <= 64}
            chosenRow={look.line.axis === 'row' ? row : undefined}
            onChoose={(r, c) => onLine({ row: r, column: c })}
          />
          <LineValues
            client={client}
            request={moduleRequest}
            requestKey={moduleKey}
            line={{ ...look.line, row, column }}
            onLine={onLine}
            axes={axes}
            texts={texts}
            rows={map.rows}
            columns={map.columns}
          />
        </>
      ) : (
        <p class="empty">This value holds no numbers to show.</p>
      )}
      {view.pattern && (
        <AttentionPattern
          client={client}
          request={moduleRequest}
          requestKey={`${requestKey} ${look.module}`}
          patterns={view.patterns}
          shown={view.pattern}
          tokens={tokens}
          batch={look.batch}
          onBatch={tokens ? undefined : batch => change({ batch })}
          onPattern={pattern => change({ pattern })}
        />
      )}
    </>
  )
}

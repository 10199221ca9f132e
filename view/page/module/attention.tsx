import type { ModuleRequest, ModuleView, Pattern, SentMap, Token } from '../../protocol/api.ts'
import type { Client } from '../client.ts'
import { numberOf } from '../parts/numbers.ts'
import { Scrolling } from '../parts/scrolling.tsx'
import { tokenText } from '../parts/tokens.ts'
import type { Limits } from '../state/view-state.ts'
import { AllHeads } from './heads.tsx'
import { headLimits, isCausal, Maps, partsOf } from './maps.tsx'

type ChosenHead = { node: string; head: number }

interface AttentionProps {
  readonly client: Client
  readonly request: ModuleRequest
  readonly requestKey: string
  readonly patterns: readonly Pattern[]
  readonly pattern: NonNullable<ModuleView['pattern']>
  readonly tokens: readonly Token[] | undefined
  readonly batch: number
  /** Undefined if the user chooses the row with the tokens. */
  readonly onBatch: ((row: number) => void) | undefined
  readonly onPattern: (pattern: ChosenHead) => void
  /** The chosen token, and the choice of another. */
  readonly position: number | undefined
  readonly onPosition: (position: number) => void
  readonly limits: Limits
}

/** The attention pattern of one head: each row is a query token, each column a key token. */
export function AttentionPattern(props: AttentionProps) {
  const { client, request, requestKey, patterns, pattern: chosen, tokens, batch, onBatch, onPattern } = props
  const { position, onPosition, limits } = props
  const { node, head, map, compared } = chosen
  const pattern = patterns.find(one => one.node === node)
  const texts = tokens?.length === map.rows ? tokens.map(tokenText) : undefined
  const isWhole = map.factors[0] === 1
  return (
    <section class="attention" aria-labelledby="attention-title">
      <h3 id="attention-title">
        Attention pattern <small>each row attends to the columns</small>
      </h3>
      <AllHeads
        client={client}
        request={request}
        requestKey={requestKey}
        limits={limits}
        chosen={{ node, head }}
        onPattern={onPattern}
      />
      <div class="toolbar">
        {patterns.length > 1 && (
          <label>
            in
            <select value={node} onChange={event => onPattern({ node: event.currentTarget.value, head })}>
              {patterns.map(one => (
                <option key={one.node} value={one.node}>
                  {one.module || one.node}
                </option>
              ))}
            </select>
          </label>
        )}
        <Choice
          name="head"
          value={head}
          count={pattern?.heads ?? 1}
          onValue={value => onPattern({ node, head: value })}
        />
        {onBatch && (pattern?.rows ?? 1) > 1 && (
          <Choice name="row of the batch" value={batch} count={pattern?.rows ?? 1} onValue={onBatch} />
        )}
      </div>
      <Maps
        parts={partsOf(map, compared)}
        label={`Attention pattern of head ${head}, ${map.rows} by ${map.columns}`}
        domain={headLimits(map, limits)}
        scale="attention"
        isMasked={isCausal(map)}
        axes={['token', 'token']}
        chosenRow={texts && position}
        {...(texts ? { onChoose: onPosition } : {})}
        rowLabels={texts}
        columnLabels={texts}
        isSquare
        {...(isWhole
          ? { note: (one: SentMap, { row }: { row: number }) => `row sum ${sumOf(one.cells[row]).toFixed(4)}` }
          : {})}
      />
      {isWhole && map.rows <= 64 && <NumbersTable map={map} head={head} texts={texts} />}
    </section>
  )
}

const sumOf = (row: SentMap['cells'][number]): number => row.reduce<number>((sum, cell) => sum + numberOf(cell), 0)

function Choice({
  name,
  value,
  count,
  onValue,
}: {
  name: string
  value: number
  count: number
  onValue: (value: number) => void
}) {
  return (
    <label>
      {name}
      <select value={value} onChange={event => onValue(Number(event.currentTarget.value))}>
        {Array.from({ length: count }, (_, i) => (
          <option key={i} value={i}>
            {i}
          </option>
        ))}
      </select>
      <span class="hint">of {count}</span>
    </label>
  )
}

function NumbersTable({ map, head, texts }: { map: SentMap; head: number; texts: readonly string[] | undefined }) {
  return (
    <details>
      <summary>Numbers</summary>
      <Scrolling label="Attention pattern in numbers">
        <table class="numbers pattern-values">
          <caption class="hidden">Attention pattern of head {head}</caption>
          <thead>
            <tr>
              <th scope="col">token</th>
              {map.cells.map((_, i) => (
                <th key={i} scope="col">
                  {texts?.[i] ?? i}
                </th>
              ))}
              <th scope="col">sum</th>
            </tr>
          </thead>
          <tbody>
            {map.cells.map((row, i) => (
              <tr key={i}>
                <th scope="row">{texts?.[i] ?? i}</th>
                {row.map((cell, column) => (
                  <td key={column}>{numberOf(cell).toFixed(4)}</td>
                ))}
                <td class="sum">{sumOf(row).toFixed(4)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scrolling>
    </details>
  )
}

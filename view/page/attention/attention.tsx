import { useState } from 'preact/hooks'
import type { AttentionHead, AttentionOverview, AttentionSite, Token } from '../../protocol/api.ts'
import { headBody } from '../../protocol/bodies.ts'
import { ChangeButtons } from '../edit/change-buttons.tsx'
import { inTemplate } from '../edit/suggestions.ts'
import { hasManyKeys, headLimits, isCausal, Maps, partsOf } from '../module/maps.tsx'
import type { PanelProps } from '../panel-props.ts'
import { Switch } from '../parts/switch.tsx'
import { tokenText } from '../parts/tokens.ts'
import { Waiting } from '../parts/waiting.tsx'
import { type AttentionShape, attentionShapes, type Limits } from '../state/view-state.ts'
import { useAnswer } from '../use-answer.ts'
import { HeadGrid } from './grid.tsx'
import { Lines } from './lines.tsx'
import { Looks } from './looks.tsx'
import { labelsOf, weightsOf } from './weights.ts'

/** The tab with the heads of all layers, and one of them in full. */
export function AttentionPanel(props: PanelProps) {
  const { client, runInputs, request, requestKey, state, change } = props
  const answer = useAnswer<AttentionOverview>(client, 'attention', request, runInputs && requestKey)
  return (
    <section aria-label="Attention">
      {!runInputs && <p class="empty">Run the model on an input to see where each head looks.</p>}
      <Waiting
        answer={answer}
        show={({ sites, omitted, refused }) => {
          const site = sites.find(({ path }) => path === state.site) ?? sites[0]
          return (
            <>
              {sites.length === 0 && <p class="empty">No attention was found in this model.</p>}
              {site?.maps.some(hasManyKeys) && (
                <div class="toolbar">
                  <Switch
                    legend="Colours"
                    name="head-limits"
                    options={limitNames}
                    chosen={state.limits}
                    onChoose={limits => change({ limits })}
                  />
                </div>
              )}
              {site && (
                <div class="attention-split">
                  <HeadGrid
                    sites={sites}
                    limits={state.limits}
                    chosen={{ path: site.path, head: Math.min(state.head, site.heads - 1) }}
                    onHead={(path, head) => change({ site: path, head })}
                  />
                  <OneHead key={String(site.areTokens.queries)} {...props} site={site} />
                </div>
              )}
              {omitted > 0 && <p class="hint">{omitted} more layers are not shown: there are too many heads.</p>}
              {refused.map(({ path, reason }) => (
                <p key={path} class="hint">
                  {reason}
                </p>
              ))}
            </>
          )
        }}
      />
    </section>
  )
}

const limitNames = [
  ['robust', 'Colours of each head'],
  ['whole', 'From 0 to 1'],
] as const

const shapeNames: Readonly<Record<AttentionShape, string>> = { tokens: 'Tokens', lines: 'Lines', matrix: 'Matrix' }

function OneHead(props: PanelProps & { readonly site: AttentionSite }) {
  const { client, runInputs, request, requestKey, state, change, tokens = [], site } = props
  // Queries that are no tokens, such as frames, are chosen here alone.
  const [own, setOwn] = useState<number>()
  const position = site.areTokens.queries ? props.position : own
  const head = Math.min(state.head, site.heads - 1)
  const headRequest = headBody(request, site.path, head, position)
  const key = runInputs && `${requestKey} ${site.path} ${head} ${site.keys > 256 ? position : ''}`
  const answer = useAnswer<AttentionHead>(client, 'attention-head', headRequest, key)
  return (
    <section class="one-head" aria-labelledby="head-title">
      <div class="toolbar">
        <h2 id="head-title" class="code">
          {site.path || 'model'} · head {head}
        </h2>
        <Switch
          legend="How the head is drawn"
          name="attention-shape"
          options={attentionShapes.map(shape => [shape, shapeNames[shape]] as const)}
          chosen={state.drawn}
          onChoose={drawn => change({ drawn })}
        />
        <ChangeButtons
          place={`${inTemplate(site.path) ?? 'model'}.heads[${head}].z`}
          edit={state.edit}
          onEdit={props.onEdit}
        />
      </div>
      <Waiting
        answer={answer}
        show={value => (
          <Drawn
            value={value}
            tokens={tokens}
            shape={state.drawn}
            limits={state.limits}
            position={position ?? value.queries - 1}
            onPosition={token => (site.areTokens.queries ? change({ token }) : setOwn(token))}
          />
        )}
      />
    </section>
  )
}

interface DrawnProps {
  readonly value: AttentionHead
  readonly tokens: readonly Token[]
  readonly shape: AttentionShape
  readonly limits: Limits
  readonly position: number
  readonly onPosition: (position: number) => void
}

function Drawn({ value, tokens, shape, limits, position, onPosition }: DrawnProps) {
  const [hovered, setHovered] = useState<number>()
  const texts = tokens.map(tokenText)
  const { areTokens } = value
  const queries = labelsOf(texts, value.queries, areTokens.queries)
  const keys = labelsOf(texts, value.keys, areTokens.keys)
  const query = Math.min(hovered ?? position, value.queries - 1)
  const weights = weightsOf(value, query)
  const shared = { value, queries, keys, areTokens, query, weights, onHover: setHovered, onQuery: onPosition }
  if (shape === 'tokens') return <Looks {...shared} />
  if (shape === 'lines') return <Lines {...shared} />
  return (
    <Maps
      parts={partsOf(value.map, value.compared)}
      label={`Attention pattern of head ${value.head}, ${value.queries} by ${value.keys}`}
      domain={headLimits(value.map, limits)}
      scale="attention"
      isMasked={isCausal(value.map)}
      axes={[areTokens.queries ? 'token' : 'query', areTokens.keys ? 'token' : 'key']}
      rowLabels={queries}
      columnLabels={keys}
      chosenRow={Math.min(position, value.queries - 1)}
      onChoose={onPosition}
      isSquare={value.keys <= 4 * value.queries}
    />
  )
}

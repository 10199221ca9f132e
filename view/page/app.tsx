import { useEffect, useState } from 'preact/hooks'
import type { ModelDescription } from '../protocol/api.ts'
import { firstToken } from '../protocol/bodies.ts'
import type { InputForm } from '../protocol/form.ts'
import { AttentionPanel } from './attention/attention.tsx'
import type { Client } from './client.ts'
import { ComparePanel } from './compare/compare.tsx'
import { edited } from './edit/change-buttons.tsx'
import { CurrentEdit } from './edit/current-edit.tsx'
import { EditPanel } from './edit/edit.tsx'
import { GeneratePanel } from './generate/generate.tsx'
import { Header } from './header/header.tsx'
import { ImportancePanel } from './importance/importance.tsx'
import { Input } from './input/input.tsx'
import { useExample } from './input/use-example.ts'
import { useRunInputs } from './input/use-run-inputs.ts'
import { LensPanel } from './lens/lens.tsx'
import { ModulePanel } from './module/module.tsx'
import { OverviewPanel } from './overview/overview.tsx'
import { AreOutdated, Problem } from './parts/problem.tsx'
import { Switch } from './parts/switch.tsx'
import { Tabs } from './parts/tabs.tsx'
import { PatchPanel } from './patch/patch.tsx'
import { savedCopy } from './saved/saved-copy.ts'
import { useShortcuts } from './shortcuts/use-shortcuts.ts'
import { type Change, useViewState } from './state/use-view-state.ts'
import { forModule, type Side, type TabName, tabNames, type ViewState } from './state/view-state.ts'
import { SteerPanel } from './steer/steer.tsx'
import { useTreeWidth } from './tree/edge.tsx'
import { operationPath } from './tree/rows.ts'
import { Tree } from './tree/tree.tsx'
import { useAnswer } from './use-answer.ts'
import { useEnded } from './use-ended.ts'

/** The whole page. */
export function App({ client }: { client: Client }) {
  const answer = useAnswer<ModelDescription>(client, 'model', undefined, 'model')
  const { value: model, error } = answer
  useEffect(() => {
    if (model) document.title = `${model.title} · onnsight view`
  }, [model])
  if (error) return <Problem error={error} />
  return model ? <OpenedModel model={model} client={client} /> : <p class="empty">Opening the model…</p>
}

function OpenedModel({ model, client }: { model: ModelDescription; client: Client }) {
  const { state, change, visit, visits } = useViewState('overview')
  const [runs, setRuns] = useState(0)
  const { example, isTrying, wasFound } = useExample(model, client, state.input === undefined)
  const form = state.input ?? example
  const { runInputs, error } = useRunInputs(model, client, form, runs)
  const [text, setText] = useState(state.edit ?? '')
  const hasEnded = useEnded()
  const saved = savedCopy()
  const [treeWidth, setTreeWidth] = useTreeWidth()
  const [shares, setShares] = useState<ReadonlyMap<string, number>>()
  useEffect(() => setText(state.edit ?? ''), [visits])
  const row = runInputs?.rows?.[Math.min(state.batch, runInputs.rows.length - 1)]
  const batch = runInputs?.rows ? Math.min(state.batch, runInputs.rows.length - 1) : state.batch
  const position = row && Math.min(state.token ?? firstToken(row), row.length - 1)
  const withBatch: ViewState = { ...state, batch }
  useShortcuts({ state: withBatch, change, position, positions: row?.length, hasTwo: model.beside !== undefined })

  const side = state.edit === undefined ? 'unedited' : state.side
  const unedited = { ...(runInputs?.request ?? { inputs: {} }), ...(batch === 0 ? {} : { batch }) }
  const uneditedKey = `${runInputs?.number} ${batch}`
  const request = {
    ...unedited,
    ...(side === 'unedited' ? {} : { template: state.edit!, isCompared: side === 'compared' }),
  }
  const requestKey = `${uneditedKey} ${side === 'unedited' ? '' : `${side} ${state.edit}`}`
  const onEdit = edited(change, setText)
  const runWith = (input: InputForm, options: Parameters<Change>[1]): void => {
    const isOther = JSON.stringify(input) !== JSON.stringify(form)
    change({ input, ...(isOther ? { token: undefined, batch: 0, patched: undefined } : {}) }, options)
  }
  const shared = {
    model,
    client,
    onEdit,
    runInputs,
    state: withBatch,
    change,
    request,
    requestKey,
    tokens: row,
    position,
  }
  // These tabs run both sides, or the unedited one alone.
  const withoutSide = { ...shared, request: unedited, requestKey: uneditedKey }
  // This tab shows one run: the edited one, if an edit is on.
  const oneSided = {
    ...shared,
    request: { ...unedited, ...(side === 'unedited' ? {} : { template: state.edit! }) },
    requestKey: `${uneditedKey} ${side === 'unedited' ? '' : `edited ${state.edit}`}`,
  }
  return (
    <div class="app" style={{ '--tree-width': `${treeWidth}px` }}>
      <Header
        model={model}
        client={client}
        state={withBatch}
        runInputs={runInputs}
        request={request}
        onVisit={visit}
        tabs={tabNames.filter(id => fits(model, id))}
      />
      <Tree
        modules={model.modules}
        client={client}
        chosen={state.node === undefined ? state.module : operationPath(state.module, state.node)}
        onChoose={path => change(moduleChosen(state, path))}
        shares={shares}
        width={treeWidth}
        onWidth={setTreeWidth}
      />
      <main aria-busy={isTrying}>
        {saved && (
          <p class="saved-note">
            A saved copy of {new Date(saved.date).toLocaleString('en-GB')}: it shows what was computed, and can’t run
            the model. Other inputs, edits and new results need <span class="code">onnsight view</span>.
          </p>
        )}
        {hasEnded && <Problem error={commandEnded} />}
        <Input
          key={`${visits} ${wasFound ? 'example' : ''}`}
          model={model}
          runInputs={runInputs}
          error={error}
          form={form}
          onRun={input => {
            runWith(input, {})
            setRuns(runs + 1)
          }}
          onTyped={input => {
            client.drop()
            runWith(input, { replaces: true })
          }}
          duration={() => client.lastDuration}
          batch={batch}
          onBatch={chosenRow => change({ batch: chosenRow, leading: undefined })}
          position={position}
          onPosition={token => change({ token })}
        />
        <AreOutdated.Provider value={error !== undefined}>
          <Tabs
            label="Views"
            chosen={state.tab}
            onChoose={tab => change({ tab: tab as ViewState['tab'] })}
            aside={
              state.edit !== undefined && state.tab !== 'edit' ? (
                <div class="edit-side">
                  <CurrentEdit
                    template={state.edit}
                    onOpen={() => change({ tab: 'edit' })}
                    onRemove={() => {
                      setText('')
                      change({ edit: undefined })
                    }}
                  />
                  {['lens', 'attention', 'module'].includes(state.tab) && (
                    <Switch
                      legend="Which run"
                      name="which-run"
                      options={sides}
                      chosen={state.side}
                      onChoose={chosen => change({ side: chosen })}
                    />
                  )}
                </div>
              ) : null
            }
            tabs={(
              [
                { id: 'overview', label: 'Overview', content: <OverviewPanel {...oneSided} /> },
                { id: 'lens', label: 'Lens', content: <LensPanel {...shared} /> },
                { id: 'attention', label: 'Attention', content: <AttentionPanel {...shared} /> },
                { id: 'importance', label: 'Importance', content: <ImportancePanel {...withoutSide} /> },
                { id: 'module', label: 'Module', content: <ModulePanel {...shared} /> },
                {
                  id: 'edit',
                  label: 'Edit',
                  content: (
                    <EditPanel
                      model={model}
                      client={client}
                      request={runInputs && unedited}
                      requestKey={`${uneditedKey} ${state.edit}`}
                      tokens={row}
                      path={state.module}
                      text={text}
                      onText={setText}
                      template={state.edit}
                      onTemplate={edit => change({ edit })}
                      position={position}
                    />
                  ),
                },
                { id: 'patch', label: 'Patch', content: <PatchPanel key={visits} {...withoutSide} /> },
                { id: 'steer', label: 'Steer', content: <SteerPanel key={visits} {...withoutSide} /> },
                { id: 'generate', label: 'Generate', content: <GeneratePanel key={visits} {...withoutSide} /> },
                {
                  id: 'compare',
                  label: 'Compare',
                  content: <ComparePanel key={visits} {...withoutSide} onShares={setShares} />,
                },
              ] as const
            ).filter(({ id }) => id === state.tab || fits(model, id))}
          />
        </AreOutdated.Provider>
      </main>
    </div>
  )
}

/** The change of state when a module is chosen. It leaves the tabs that show no single module. */
const moduleChosen = ({ tab }: ViewState, path: string): Partial<ViewState> => ({
  ...forModule(path.split('#')[0], path.includes('#') ? path.slice(path.indexOf('#') + 1) : undefined),
  ...(['overview', 'lens', 'attention', 'compare'].includes(tab) ? { tab: 'module' } : {}),
})

/** Whether a tab can show something of a model: most are about the predictions of a language model. */
function fits(model: ModelDescription, tab: TabName): boolean {
  const { inputs, ids, logits, hasAttention, hasVocabulary, beside } = model
  if (tab === 'compare') return beside !== undefined
  if (tab === 'overview' || tab === 'module' || tab === 'edit') return true
  if (tab === 'attention') return hasAttention
  if (tab === 'steer' && !hasVocabulary) return false
  // These tabs run the model on texts of their own, for which the values of an encoder would be missing.
  const needsOthers = inputs.some(({ name, followsIds }) => name !== ids && !followsIds)
  return ids !== undefined && logits !== undefined && !(needsOthers && ['importance', 'patch', 'steer'].includes(tab))
}

const sides: readonly (readonly [Side, string])[] = [
  ['unedited', 'Unedited'],
  ['edited', 'Edited'],
  ['compared', 'Side by side'],
]

const commandEnded = {
  code: 'ended',
  message: 'The command has ended, so this page can’t run the model any more.',
  fix: 'start it again and reload this page; if it prints another address, open that one, and append the part of this address from # on',
}

import { useEffect, useState } from 'preact/hooks'
import type { ViewedModel } from '../protocol/api.ts'
import type { Client } from './client.ts'
import { EditPanel } from './edit/edit.tsx'
import { Header } from './header/header.tsx'
import { Input } from './input/input.tsx'
import { useGiven } from './input/use-given.ts'
import { LensPanel } from './lens/lens.tsx'
import { atModule, type Look, type Side } from './look/look.ts'
import { useLook } from './look/use-look.ts'
import { ModulePanel } from './module/module.tsx'
import { Problem } from './parts/problem.tsx'
import { Tabs } from './parts/tabs.tsx'
import { useShortcuts } from './shortcuts/use-shortcuts.ts'
import { Tree } from './tree/tree.tsx'
import { useAnswer } from './use-answer.ts'
import { useEnded } from './use-ended.ts'

/** The page. */
export function App({ client }: { client: Client }) {
  const answer = useAnswer<ViewedModel>(client, 'model', undefined, 'model')
  const { value: model, error } = answer
  useEffect(() => {
    if (model) document.title = `${fileName(model.name)} · onnsight view`
  }, [model])
  if (error) return <Problem error={error} />
  return model ? <Opened model={model} client={client} /> : <p class="empty">Opening the model…</p>
}

function Opened({ model, client }: { model: ViewedModel; client: Client }) {
  const { look, change, visits } = useLook()
  const [runs, setRuns] = useState(0)
  const { given, error } = useGiven(model, client, look.input, runs)
  const [text, setText] = useState(look.edit ?? '')
  const hasEnded = useEnded()
  useEffect(() => setText(look.edit ?? ''), [visits])
  const row = given?.rows?.[Math.min(look.batch, given.rows.length - 1)]
  const batch = given?.rows ? Math.min(look.batch, given.rows.length - 1) : look.batch
  const position = row && Math.min(look.token ?? row.length - 1, row.length - 1)
  const seen: Look = { ...look, batch }
  useShortcuts({ look: seen, change, position, positions: row?.length })

  const side = look.edit === undefined ? 'unedited' : look.side
  const request = {
    ...(given?.request ?? { inputs: {} }),
    ...(batch === 0 ? {} : { batch }),
    ...(side === 'unedited' ? {} : { template: look.edit!, isCompared: side === 'compared' }),
  }
  const requestKey = `${given?.number} ${batch} ${side === 'unedited' ? '' : `${side} ${look.edit}`}`
  const shared = { model, client, given, look: seen, change, request, requestKey, position }
  return (
    <div class="app">
      <Header model={model} client={client} look={seen} given={given} request={request} />
      <Tree modules={model.modules} chosen={look.module} onChoose={path => change(chosen(look, path))} />
      <main>
        {hasEnded && <Problem error={ended} />}
        <Input
          key={visits}
          model={model}
          given={given}
          error={error}
          typed={look.input}
          onRun={input => {
            const isOther = JSON.stringify(input) !== JSON.stringify(look.input)
            change({ input, ...(isOther ? { token: undefined, batch: 0 } : {}) })
            setRuns(runs + 1)
          }}
          batch={batch}
          onBatch={chosenRow => change({ batch: chosenRow, leading: undefined })}
          position={position}
          onPosition={token => change({ token })}
        />
        <Tabs
          label="Views"
          chosen={look.tab}
          onChoose={tab => change({ tab: tab as Look['tab'] })}
          aside={
            look.edit !== undefined && look.tab !== 'edit' ? (
              <Sides side={look.side} onSide={chosenSide => change({ side: chosenSide })} />
            ) : null
          }
          tabs={[
            { id: 'module', label: 'Module', content: <ModulePanel {...shared} /> },
            { id: 'lens', label: 'Logit lens', content: <LensPanel {...shared} /> },
            {
              id: 'edit',
              label: 'Edit',
              content: (
                <EditPanel
                  model={model}
                  client={client}
                  request={given && { ...given.request, ...(batch === 0 ? {} : { batch }) }}
                  requestKey={`${given?.number} ${batch} ${look.edit}`}
                  tokens={row}
                  path={look.module}
                  text={text}
                  onText={setText}
                  template={look.edit}
                  onTemplate={edit => change({ edit })}
                  position={position}
                />
              ),
            },
          ]}
        />
      </main>
    </div>
  )
}

/** A click on a module is a wish to see it: the lens shows none. */
const chosen = ({ tab }: Look, path: string): Partial<Look> => ({
  ...atModule(path),
  ...(tab === 'lens' ? { tab: 'module' } : {}),
})

const sides: readonly (readonly [Side, string])[] = [
  ['unedited', 'Unedited'],
  ['edited', 'Edited'],
  ['compared', 'Side by side'],
]

function Sides({ side, onSide }: { side: Side; onSide: (side: Side) => void }) {
  return (
    <fieldset class="switch">
      <legend class="hidden">Which run</legend>
      {sides.map(([one, name]) => (
        <label key={one}>
          <input type="radio" name="which-run" checked={side === one} onChange={() => onSide(one)} />
          <span>{name}</span>
        </label>
      ))}
    </fieldset>
  )
}

const ended = {
  code: 'gone',
  message: 'The command has ended: nothing more can be run here.',
  fix: 'start it again, open the address that it prints, and put what stands behind # here behind it',
}

const fileName = (path: string): string => path.split(/[\\/]/).at(-1) ?? path

import { useEffect, useState } from 'preact/hooks'
import type { ViewedModel } from '../api.ts'
import type { Client } from './client.ts'
import { EditPanel } from './edit/edit.tsx'
import { type Given, Input } from './input/input.tsx'
import { LensPanel } from './lens/lens.tsx'
import { ModulePanel } from './module/module.tsx'
import { bytes, grouped } from './parts/numbers.ts'
import { Problem } from './parts/problem.tsx'
import { Tabs } from './parts/tabs.tsx'
import { Tree } from './tree/tree.tsx'
import { useAnswer } from './use-answer.ts'

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
  const [path, setPath] = useState('')
  const [given, setGiven] = useState<Given>()
  const [position, setPosition] = useState<number>()
  const [tab, setTab] = useState('module')
  const [text, setText] = useState('')
  const [template, setTemplate] = useState<string>()
  const [isBusy, setBusy] = useState(false)
  useEffect(() => {
    client.onBusy = setBusy
  }, [client])
  const [root] = model.modules
  const give = (next: Given): void => {
    setGiven(next)
    setPosition(next.tokens && next.tokens.length - 1)
  }
  return (
    <div class="app">
      <header class="top">
        <h1>{fileName(model.name)}</h1>
        <p class="meta">
          <span>{grouped(root.parameters)} parameters</span>
          <span>{bytes(root.bytes)}</span>
          <span>{grouped(root.nodes)} nodes</span>
          <span>{model.provider}</span>
        </p>
        <div class="busy" role="status">
          {isBusy && (
            <>
              <span>Running…</span>
              <button type="button" onClick={() => client.cancel()}>
                Cancel
              </button>
            </>
          )}
        </div>
      </header>
      <Tree
        modules={model.modules}
        chosen={path}
        onChoose={chosen => {
          setPath(chosen)
          if (tab === 'lens') setTab('module')
        }}
      />
      <main>
        <Input
          model={model}
          client={client}
          given={given}
          onGiven={give}
          position={position}
          onPosition={setPosition}
        />
        <Tabs
          label="Views"
          chosen={tab}
          onChoose={setTab}
          tabs={[
            {
              id: 'module',
              label: 'Module',
              content: (
                <ModulePanel
                  model={model}
                  client={client}
                  given={given}
                  path={path}
                  template={template}
                  position={position}
                  onPosition={setPosition}
                />
              ),
            },
            { id: 'lens', label: 'Logit lens', content: <LensPanel model={model} client={client} given={given} /> },
            {
              id: 'edit',
              label: 'Edit',
              content: (
                <EditPanel
                  model={model}
                  client={client}
                  given={given}
                  path={path}
                  text={text}
                  onText={setText}
                  template={template}
                  onTemplate={setTemplate}
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

const fileName = (path: string): string => path.split(/[\\/]/).at(-1) ?? path

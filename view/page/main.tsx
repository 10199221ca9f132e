import { render } from 'preact'
import { App } from './app.tsx'
import { Client } from './client.ts'
import { savedCopy } from './saved/saved-copy.ts'

render(<App client={new Client(savedCopy())} />, document.body)

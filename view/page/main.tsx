import { render } from 'preact'
import { App } from './app.tsx'
import { Client } from './client.ts'

render(<App client={new Client()} />, document.body)

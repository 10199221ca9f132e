import * as onnsight from 'onnsight'
import type { Case } from '../../cases/case.ts'
import { CaseRunner } from '../../cases/runner.ts'
import { traced } from './traced.ts'

/* The functions that the tests call in the page. */

const runners = new Map<string, CaseRunner>()

/** A runner of cases on a provider. The cases' files are in a folder. */
function runnerOf(provider: 'wasm' | 'webgpu', folder: string): CaseRunner {
  const key = `${provider} ${folder}`
  let runner = runners.get(key)
  if (!runner) {
    runner = new CaseRunner({
      load: model => onnsight.load(`/models/${model}.onnx`, { provider }),
      read: async file => new Uint8Array(await (await fetch(`${folder}/${file}`)).arrayBuffer()),
    })
    runners.set(key, runner)
  }
  return runner
}

Object.assign(globalThis, {
  onnsight,
  traced,
  attempt: (entry: Case, provider: 'wasm' | 'webgpu' = 'wasm', folder = '') =>
    runnerOf(provider, folder).attempt(entry),
})

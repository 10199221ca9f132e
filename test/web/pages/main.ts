import * as onnsight from 'onnsight'
import type { Case } from '../../cases/case.ts'
import { CaseRunner } from '../../cases/runner.ts'
import { traced } from './traced.ts'

/* What the tests call in the page. */

const runner = new CaseRunner({
  load: model => onnsight.load(`/models/${model}.onnx`),
  read: async file => new Uint8Array(await (await fetch(`/${file}`)).arrayBuffer()),
})

Object.assign(globalThis, {
  onnsight,
  traced,
  attempt: (entry: Case) => runner.attempt(entry),
})

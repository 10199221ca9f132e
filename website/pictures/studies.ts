// The pictures of docs/studies.md, from runs of the example models; `npm run pictures` writes them.
import { readFileSync } from 'node:fs'
import { load } from 'onnsight'
import { logitLens, type StudyResult } from 'onnsight/study'

const { chars: vocabulary } = JSON.parse(readFileSync('examples/models/chars.vocab.json', 'utf8')) as {
  chars: string[]
}
const encode = (text: string): number[] => Array.from(text, char => vocabulary.indexOf(char))
const write = async (name: string, result: StudyResult) => (await result.plot()).save(`docs/pictures/study-${name}.svg`)

const model = await load('examples/models/chars.onnx')
await write('lens', await logitLens(model, [encode('What light')], { vocabulary }))
await model.release()

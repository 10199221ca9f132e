// The pictures of docs/studies.md, from runs of the example models; `npm run pictures` writes them.
import { LanguageModel } from 'onnsight'
import { logitDifference, logitLens, patchActivations, type StudyResult } from 'onnsight/study'

const write = async (name: string, result: StudyResult) => (await result.plot()).save(`docs/pictures/study-${name}.svg`)

const model = await LanguageModel.load('examples/models/chars.onnx')
await write('lens', await logitLens(model, 'What light'))
const prompts = { clean: 'KING RICHAR', corrupted: 'KING HENRY ' }
await write('patching', await patchActivations(model, { ...prompts, metric: logitDifference('D', 'I') }))
await model.release()

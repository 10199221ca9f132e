// A sparse autoencoder of the stream after layer 1, trained by examples/models/train_sae.py: its features over a text, spliced in, and steering by one.
import { LanguageModel } from 'onnsight'
import { ablate, loss, SparseAutoencoder } from 'onnsight/study'
import { picture } from './shared/picture.ts'

const model = await LanguageModel.load('examples/models/chars.onnx')
const sae = await SparseAutoencoder.load('examples/models/chars-sae')
const text = 'First Citizen:\nWhat light'
console.log(String(sae))
const features = await sae.features(model, text)
console.log(String(features))

const lossOf = async (one: LanguageModel): Promise<number> =>
  (await ablate(one, text, { metric: loss(), part: 'mlp', layers: [3] })).base
const [whole, spliced, without] = [model, sae.splice(model), sae.ablate(model, features.top[0].feature)]
console.log(`\nloss of the model                ${(await lossOf(whole)).toFixed(2)} nats a token`)
console.log(`with the autoencoder spliced in  ${(await lossOf(spliced)).toFixed(2)}`)
console.log(
  `without feature ${String(features.top[0].feature).padEnd(3)}              ${(await lossOf(without)).toFixed(2)}`,
)

for (const { feature, token } of features.top.slice(0, 4)) {
  const steered = (await sae.steering(feature)).apply(model, 6)
  const { text: written } = await steered.generate('ROMEO:\nI ', { maxNewTokens: 30 })
  console.log(
    `steered by feature ${String(feature).padEnd(3)} (strongest at ${JSON.stringify(token)}): ${JSON.stringify(written)}`,
  )
}
await picture('sparse-autoencoder', features)
await model.release()

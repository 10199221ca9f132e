import { cpSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { AutoModelForCausalLM, env, pipeline, type Tensor as TheirTensor } from '@huggingface/transformers'
import test from 'ava'
import { attach } from 'onnsight'

const text = 'ROMEO:\nWhat light is that'
env.allowRemoteModels = false
env.localModelPath = resolve('test/fixtures/models')

/** Logits of transformers.js’s own session, for a text’s ids. */
async function theirLogits(
  generator: Awaited<ReturnType<typeof pipeline<'text-generation'>>>,
): Promise<ArrayLike<number>> {
  const inputs = generator.tokenizer(text)
  const { logits } = (await generator.model(inputs)) as { logits: TheirTensor }
  return logits.data as Float32Array
}

for (const dtype of ['fp32', 'q4'] as const) {
  test.serial(`a pipeline’s own model is traced: ${dtype}`, async t => {
    const generator = await pipeline('text-generation', 'verse', { dtype })
    const model = await attach(generator, 'verse')
    t.true(model.name.endsWith(dtype === 'q4' ? 'model_q4.onnx' : 'model.onnx'))
    const logits = await model.trace(text, m => m.lm_head.output)
    const theirs = await theirLogits(generator)
    t.is(logits.size, theirs.length)
    t.true(Array.from(logits.data as Float32Array).every((value, i) => Math.abs(value - theirs[i]) < 1e-4))
    t.is(model.tokenizer, (generator.tokenizer as unknown as { _tokenizer: never })._tokenizer)
    const chat = [{ role: 'user', content: 'Good morrow' }]
    t.is(
      model.chatText(chat),
      generator.tokenizer.apply_chat_template(chat, { tokenize: false, add_generation_prompt: true }) as string,
    )
    // Both write the same text.
    const [written] = (await generator(text, { max_new_tokens: 20, do_sample: false })) as { generated_text: string }[]
    const { ids } = await model.generate(text, { maxNewTokens: 20 })
    t.is(model.decode((ids.tolist() as number[][])[0], { skipSpecialTokens: true }), written.generated_text)
    await model.release()
  })
}

test.serial('a model alone, a path, and what it keeps in its cache', async t => {
  const loaded = await AutoModelForCausalLM.from_pretrained('verse', { dtype: 'q4' })
  const model = await attach(loaded, 'test/fixtures/models/verse')
  t.is(model.tokens(text).length, 8)
  await model.release()
  const { localModelPath, cacheDir } = env
  env.localModelPath = '/nowhere/'
  const cache = mkdtempSync(join(tmpdir(), 'onnsight-transformers-'))
  env.cacheDir = cache
  cpSync('test/fixtures/models/verse', join(cache, 'poets/verse'), { recursive: true })
  const kept = await attach(loaded, 'poets/verse')
  t.true(kept.name.startsWith(cache))
  await kept.release()
  await t.throwsAsync(attach(loaded, 'poets/prose'), {
    code: 'language-model',
    message: /not found[\s\S]*attach\(generator, folder\)/,
  })
  env.localModelPath = localModelPath
  env.cacheDir = cacheDir
})

test.serial('what is no pipeline, and a name left out, are refused', async t => {
  const loaded = await AutoModelForCausalLM.from_pretrained('verse', { dtype: 'q4' })
  await t.throwsAsync(attach({}, 'verse'), { code: 'language-model', message: /no pipeline or model/ })
  await t.throwsAsync(attach(loaded, undefined as never), { code: 'language-model', message: /name of the model/ })
  await t.throwsAsync(attach(loaded, 'verse', { dtype: 'q4' } as never), { code: 'unknown-option' })
})

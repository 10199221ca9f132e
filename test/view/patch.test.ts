import { LanguageModel, type Tensor } from 'onnsight'
import { logitDifference, patchActivations } from 'onnsight/study'
import { run, start } from './in-chromium.ts'
import { chars, overflow, settled, shows, testPage, textOf, violations } from './page.ts'
import { runProgram } from './run-program.ts'

// Tests the tab Patch of the page against runs of single patches.

const path = 'examples/models/chars.onnx'
const [clean, corrupted] = ['KING RICHAR', 'KING HENRY ']
const { browser, viewing, model } = await start([path], () => LanguageModel.load(path))

run('each cell is what one patch brings back, and a text of another length says what to do', async t => {
  const state = new URLSearchParams({ tab: 'patch', text: clean })
  await testPage(t, browser, { url: `${viewing.url}#${state}`, scheme: 'light' }, async page => {
    await page.locator('.token').first().waitFor()
    const box = page.getByRole('textbox', { name: /^Corrupted text/ })
    await box.fill('KING')
    await page.getByRole('button', { name: 'Patch', exact: true }).click()
    t.regex(await textOf(page.getByRole('alert')), /11 tokens, and the corrupted one 4[\s\S]*Do this:/)
    await box.fill(corrupted)
    await page.keyboard.press('Enter')
    const map = page.getByRole('application', { name: 'What each patch brings back, 4 by 11' })
    await map.waitFor()
    const best = async (text: string) =>
      Number((await model.trace(text, m => m.lm_head.output.select(0, 0).select(0, -1).argmax(-1))).item())
    const [answer, other] = [await best(clean), await best(corrupted)]
    const logits = (patch: boolean) =>
      model.session(async m => {
        const kept = await m.trace(clean, one => one.transformer.h[1].output.select(1, 10))
        return m.trace(corrupted, one => {
          if (patch) one.transformer.h[1].output.set([{}, 10], kept)
          const row = one.lm_head.output.select(0, 0).select(0, -1)
          return row.select(0, answer).sub(row.select(0, other))
        })
      })
    const expected = Number((await logits(true)).item())
    t.not(expected, Number((await logits(false)).item()))
    // What leaves layer 1 enters layer 2.
    await map.focus()
    for (const key of ['ArrowDown', 'ArrowDown', 'End']) await page.keyboard.press(key)
    const readout = await textOf(page.locator('.readout'))
    t.true(shows(readout.split('logit difference ')[1], expected), readout)
    const all = await patchActivations(model, { clean, corrupted, metric: logitDifference(answer, other) })
    const recovered = (all.recovered.tolist() as number[][])[2][10]
    t.true(shows(/: (\S+) ·/.exec(readout.slice(readout.indexOf('token')))![1], recovered), readout)
    t.deepEqual(await violations(page), [])
    // The address patches again, and another part gives another map.
    t.regex(page.url(), /corrupted=KING\+HENRY/)
    await page.reload()
    await map.waitFor()
    await page.getByText('MLP', { exact: true }).click()
    await page.waitForFunction(
      before => document.querySelector('.stale') === null && document.querySelector('.verdict') !== before,
      null,
    )
    await page.getByRole('button', { name: 'Copy as code' }).click()
    await page.locator('.written').waitFor()
    t.regex(
      await textOf(page.locator('.written')),
      /patchActivations\(model, \{ clean, corrupted, metric, part: 'mlp' \}\)/,
    )
    await page.keyboard.press('Escape')
    await page.setViewportSize({ width: 390, height: 844 })
    t.deepEqual(await overflow(page), [0, 0])
  })
})

// The ids of L and M.
const [first, second] = ['L', 'M'].map(char => chars.indexOf(char))

/** Runs the corrupted text with one place's value from the clean run. Returns the logits at the last position, and the logit difference. */
async function patchedRun(read: (m: typeof model) => Tensor, write: (m: typeof model, kept: Tensor) => void) {
  const kept = await model.trace(clean, read as never)
  const logits = await model.trace(corrupted, one => {
    write(one as typeof model, kept as Tensor)
    return one.lm_head.output.select(0, 0).select(0, -1)
  })
  const values = logits.tolist() as number[]
  return { best: values.indexOf(Math.max(...values)), difference: values[first] - values[second] }
}

for (const [title, part, range, layer, place, read, write] of [
  [
    'heads',
    'head',
    [1, 3],
    2,
    3,
    (m: typeof model) => m.transformer.h[2].attn.heads[3].z,
    (m: typeof model, kept: Tensor) => {
      m.transformer.h[2].attn.heads[3].z = kept
    },
  ],
  [
    'patterns of heads',
    'pattern',
    [0, 1],
    1,
    0,
    (m: typeof model) => m.transformer.h[1].attn.heads[0].pattern,
    (m: typeof model, kept: Tensor) => {
      m.transformer.h[1].attn.heads[0].pattern = kept
    },
  ],
  [
    'keys of heads',
    'key',
    [0, 3],
    2,
    1,
    (m: typeof model) => m.transformer.h[2].attn.heads.k.select(2, 1),
    (m: typeof model, kept: Tensor) => m.transformer.h[2].attn.heads.k.set([{}, {}, 1], kept),
  ],
  [
    'the stream before the first layer',
    'residual',
    [0, 3],
    0,
    6,
    (m: typeof model) => m.transformer.h[0].input.select(1, 6),
    (m: typeof model, kept: Tensor) => m.transformer.h[0].input.set([{}, 6], kept),
  ],
] as const)
  run(`${title}: chosen layers and answers; a cell opens its run as the lens and as code`, async t => {
    const state = new URLSearchParams({
      ...{ tab: 'patch', text: clean, corrupted, part, layers: range.join(','), answer: 'L', other: 'M' },
    })
    await testPage(t, browser, { url: `${viewing.url}#${state}`, scheme: 'light' }, async page => {
      const rows = range[1] - range[0] + 1
      const columns = part === 'residual' ? 11 : 4
      const map = page.getByRole('application', { name: `What each patch brings back, ${rows} by ${columns}.` })
      await map.waitFor()
      t.regex(await textOf(page.locator('.verdict')), /logit of “L” minus that of “M”/)
      await map.focus()
      await page.keyboard.press('Home')
      for (let i = range[0]; i < layer; i++) await page.keyboard.press('ArrowDown')
      for (let i = 0; i < place; i++) await page.keyboard.press('ArrowRight')
      const expected = await patchedRun(read, write)
      const plain = await model.trace(corrupted, one => one.lm_head.output.select(0, 0).select(0, -1))
      const values = plain.tolist() as number[]
      t.not(values[first] - values[second], expected.difference)
      const readout = await textOf(page.locator('.readout'))
      t.true(readout.startsWith(`layer ${layer} · ${part === 'residual' ? 'token' : 'head'} ${place}`), readout)
      t.true(shows(readout.split('logit difference ')[1], expected.difference), readout)
      await page.keyboard.press('Enter')
      const one = page.getByRole('region', { name: 'One patch' })
      await one.locator('table.lens').waitFor()
      await settled(page)
      // The lens of the run shows what the model predicts at the last position with the patch.
      const likeliest = await textOf(one.locator('tr.own td').last().locator('.lens-after .token-text'))
      t.is(likeliest.replaceAll('␣', ' ').replaceAll('⏎', '\n'), model.decode([expected.best]))
      t.deepEqual(await violations(page), [])
      await one.getByRole('button', { name: 'Code of this patch' }).click()
      const code = await textOf(page.locator('.written'))
      const { printed } = await runProgram<object>(code, [])
      t.true(Math.abs(Number(printed[0]) - expected.difference) < 1e-4, code)
      await page.keyboard.press('Escape')
      // The address opens the same run.
      t.true(page.url().includes(`patch=${layer}%2C${place}`), page.url())
      await page.reload()
      await one.locator('table.lens').waitFor()
      t.regex(await textOf(one.locator('h3').first()), new RegExp(`^Layer ${layer}, (head|token) ${place}`))
      await page.setViewportSize({ width: 390, height: 844 })
      t.deepEqual(await overflow(page), [0, 0])
    })
  })

run('the code of a map whose clean text was given as ids runs, with named answers and without', async t => {
  const inputs = { input_ids: { json: [[...clean].map(char => chars.indexOf(char))] } }
  for (const answers of [undefined, ['L', ''], ['L', 'M']] as const) {
    const patch = { corrupted, part: 'mlp', layers: [1, 2], ...(answers ? { answers } : {}) }
    const { body } = await viewing.ask('code', { inputs, tab: 'patch', path: '', patch })
    // The picture is not what is tested.
    const code = String(body.typescript).replace(/^await \(await patched.*$/m, '')
    const { patched } = await runProgram<{ patched: { values: Tensor } }>(code, ['patched'])
    const best = async (text: string) =>
      Number((await model.trace(text, m => m.lm_head.output.select(0, 0).select(0, -1).argmax(-1))).item())
    const metric = logitDifference(answers?.[0] || (await best(clean)), answers?.[1] || (await best(corrupted)))
    const due = await patchActivations(model, { clean, corrupted, metric, part: 'mlp', layers: [1, 2] })
    t.deepEqual(patched.values.tolist(), due.values.tolist())
    t.is(code.includes('type Inputs'), answers?.[1] !== 'M')
  }
})

run('choices that can’t be answered say why', async t => {
  const good = { inputs: { input_ids: { text: clean } }, corrupted, part: 'head' }
  const cell = { layer: 1, place: 2 }
  for (const [name, change, message] of [
    ['patch', { layers: [2, 1] }, /No layer lies from 2 to 1/],
    ['patch', { layers: [0, 9] }, /no layer 4/],
    ['patch', { layers: 'all' }, /layers is not a list/],
    ['patch', { answers: ['LL', 'M'] }, /The answer "LL" is 2 tokens/],
    ['patch', { part: 'neuron' }, /part is not known/],
    ['patched-lens', {}, /no object for cell/],
    ['patched-lens', { cell: { layer: 7, place: 0 } }, /no layer 7/],
    ['patched-lens', { cell: { layer: 1, place: 9 } }, /There is no place 9: there are 4/],
    ['patched-lens', { cell, corrupted: 'KING' }, /11 tokens, and the corrupted one 4/],
  ] as const) {
    const { status, body } = await viewing.ask(name, { ...good, ...change })
    t.true(status === 400 || status === 422, JSON.stringify(body))
    t.regex(String(body.message), message)
    t.truthy(body.fix)
  }
})

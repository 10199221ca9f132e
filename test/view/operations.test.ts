import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { load } from 'onnsight'
import { TensorProto_DataType as OnnxType } from '#dist/runtime/onnx/schema/onnx_pb.js'
import { graph, model, node, saved, value } from '../model/hand-graph.ts'
import { Random, stored } from '../names/stored.ts'
import { start, testsAt } from './in-chromium.ts'
import { cellsOf, floats, item, settled, shows, statistics, statisticsOf, textOf, violations } from './page.ts'

// Tests the page on a model of sound: without module names, with a state, a sampling rate, and no predictions of tokens.

const random = new Random(7)
const path = saved(
  model(
    graph({
      nodes: [
        node('MatMul', ['input', 'weight'], ['product'], {}, 'MatMul_0'),
        node('Relu', ['product'], ['active'], {}, 'Relu_1'),
        node('Gather', ['state', 'zero'], ['last'], { axis: 0 }, 'Gather_2'),
        // It needs as many rows of the state as of the input.
        node('Concat', ['active', 'last'], ['joined'], { axis: 1 }, 'Concat_3'),
        node('Identity', ['sr'], ['rate'], {}, 'Identity_4'),
        node('Identity', ['joined'], ['output'], {}, 'Identity_5'),
      ],
      inputs: [
        value('input', OnnxType.FLOAT, ['rows', 'samples']),
        value('state', OnnxType.FLOAT, [2, 'many', 4]),
        value('sr', OnnxType.INT64, []),
      ],
      outputs: ['output', 'rate'],
      initializers: [stored('weight', [512, 4], random.floats(2048)), stored('zero', [], BigInt64Array.of(0n))],
    }),
  ),
)
const started = await start([path], () => load(path))
const at = testsAt(started)

at(
  'a model of sound opens on inputs that fit, without tabs for tokens, and with its operations',
  {},
  async (t, page) => {
    await page.locator('.stages').waitFor()
    t.deepEqual(await page.getByRole('tab').allTextContents(), ['Overview', 'Module', 'Edit'])
    t.is(await page.getByRole('textbox', { name: 'JSON of sr' }).inputValue(), '16000')
    t.deepEqual(await page.locator('.problem').count(), 0)
    t.deepEqual(await page.locator('.tree-label.is-operation').allTextContents(), [
      'MatMul 0',
      'Relu 1',
      'Gather 2',
      'Concat 3',
      'Identity 4',
      'Identity 5',
    ])
    await page.getByRole('searchbox').fill('relu')
    t.deepEqual(await page.locator('.tree-label').allTextContents(), ['model', 'Relu 1'])
  },
)

at('a sound is decoded to the samples of the input', {}, async (t, page) => {
  const samples = Int16Array.from({ length: 512 }, (_, i) => ((i * 2711) % 65_536) - 32_768)
  const header = Buffer.alloc(44)
  header.write('RIFF', 0)
  header.writeUInt32LE(36 + samples.byteLength, 4)
  header.write('WAVEfmt ', 8)
  for (const [at16, number] of [
    [20, 1],
    [22, 1],
    [32, 2],
    [34, 16],
  ])
    header.writeUInt16LE(number, at16)
  for (const [at32, number] of [
    [16, 16],
    [24, 16_000],
    [28, 32_000],
    [40, samples.byteLength],
  ])
    header.writeUInt32LE(number, at32)
  header.write('data', 36)
  const buffer = Buffer.concat([header, Buffer.from(samples.buffer)])
  await page.locator('.stages').waitFor()
  await settled(page)
  await page.getByRole('combobox', { name: 'Value of input' }).selectOption('file')
  await page.getByLabel('File of input').setInputFiles({ name: 'a.wav', mimeType: 'audio/wav', buffer })
  await page.getByText('a.wav: 512 samples at 16000 a second').waitFor()
  await page.getByRole('button', { name: 'Run', exact: true }).click()
  const { output } = await started.model.trace(
    { input: [Array.from(samples, sample => sample / 32_768)], state: [[[0, 0, 0, 0]], [[0, 0, 0, 0]]], sr: 16_000 },
    m => ({ output: m.outputs.output }),
  )
  await page.waitForTimeout(100)
  await settled(page)
  const max = (await cellsOf(page, '.overview')).find(([name]) => name === 'output')![4]
  const most = Math.max(...floats(output))
  // The decoder scales samples of 16 bits to numbers from −1 to 1, and rounds.
  t.true(Math.abs(Number(max) - most) < 1e-3 * most, `${max} for ${most}`)
})

at('an operation shows what it gives, reads and weighs, as its code does', {}, async (t, page) => {
  await page.getByRole('tab', { name: 'Module' }).click()
  await page.locator('.statistics').first().waitFor()
  const code = async (): Promise<string> => {
    await page.getByRole('button', { name: 'Copy as code' }).click()
    await page.locator('.written').waitFor()
    const text = await textOf(page.locator('.written'))
    await page.keyboard.press('Escape')
    return text
  }
  const input = JSON.parse(/input: (\[.*?\]),\n/.exec(await code())![1]) as number[][]
  const state = [[[0, 0, 0, 0]], [[0, 0, 0, 0]]]
  const read = await started.model.trace({ input, state, sr: 16_000 }, m => ({
    product: m.node('MatMul_0').output,
    weight: m.tensor('weight'),
  }))
  await item(page, '#MatMul_0').click()
  await page.getByRole('heading', { name: 'MatMul_0' }).waitFor()
  await settled(page)
  const isShown = async (tensor: typeof read.product): Promise<void> => {
    const shown = await statisticsOf(page)
    for (const [name, value] of Object.entries(statistics(floats(tensor))))
      t.true(shows(shown[name], value), `${name}: ${shown[name]} for ${value}`)
  }
  await isShown(read.product)
  t.deepEqual(
    (await cellsOf(page, '.values-list')).map(cells => cells.slice(0, 2)),
    [
      ['output', 'product'],
      ['input', 'input'],
      ['weight', 'weight'],
    ],
  )
  t.true((await code()).includes('value: model.node("MatMul_0").output'))
  await page.getByRole('button', { name: 'Show weight weight' }).click()
  await settled(page)
  await isShown(read.weight)
  t.true((await code()).includes('value: model.tensor("weight")'))
  t.deepEqual(await violations(page), [])
  await page.reload()
  await page.getByRole('heading', { name: 'MatMul_0' }).waitFor()
})

at(
  'the graph leads to an operation, a button sets it to 0, and both runs are shown',
  { tab: 'module', show: 'graph' },
  async (t, page) => {
    await page.locator('.graph').waitFor()
    const names = await page.locator('.graph-item').allTextContents()
    t.deepEqual(names.toSorted(), [
      'Concat',
      'Gather',
      'Identity',
      'Identity',
      'MatMul',
      'Relu',
      'input',
      'output',
      'rate',
      'sr',
      'state',
    ])
    t.is(await page.locator('.graph-line').count(), 9)
    t.deepEqual(await violations(page), [])
    await page.getByRole('button', { name: 'Relu', exact: true }).click()
    await page.getByRole('heading', { name: 'Relu_1' }).waitFor()
    await settled(page)
    const unedited = await statisticsOf(page)
    await page.getByRole('button', { name: 'Set to 0', exact: true }).click()
    await page.getByRole('heading', { name: 'edited − unedited' }).waitFor()
    await settled(page)
    t.true(Number(unedited.max) > 0)
    t.true((await textOf(page.locator('.verdict'))).includes(`by up to ${unedited.max}`))
    t.is(await page.locator('.current-edit').first().textContent(), 'Edit that is on: node("Relu_1").output = 0×')
    t.true(await page.getByRole('button', { name: 'Set to 0', exact: true }).isDisabled())
    await page.getByRole('button', { name: 'Remove the edit' }).click()
    await settled(page)
    t.deepEqual(await statisticsOf(page), unedited)
  },
)

at('a saved page is one file that shows the same without the command', { tab: 'module' }, async (t, page) => {
  const shown = await statisticsOf(page)
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    // What is visited is covered.
    page.evaluate(async () => {
      const isCovered = () => document.elementFromPoint(innerWidth / 2, innerHeight - 50)?.closest('.saving')
      while (!isCovered()) await new Promise(requestAnimationFrame)
    }),
    page.getByRole('button', { name: 'Save page' }).click(),
  ])
  const folder = mkdtempSync(join(tmpdir(), 'onnsight-saved-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const file = join(folder, download.suggestedFilename())
  await download.saveAs(file)
  t.true(file.endsWith('.html'))
  await page.locator('.saving').waitFor({ state: 'detached' })
  t.deepEqual(await statisticsOf(page), shown)
  const copy = await page.context().newPage()
  const problems: string[] = []
  copy.on('pageerror', error => problems.push(String(error)))
  copy.on('console', message => message.type() === 'error' && problems.push(message.text()))
  copy.on('request', request => request.url().startsWith('http') && problems.push(request.url()))
  await copy.goto(pathToFileURL(file).href)
  await copy.getByText('A saved copy of').waitFor()
  await settled(copy)
  t.deepEqual(await statisticsOf(copy), shown)
  await copy.getByText('Graph', { exact: true }).click()
  await copy.locator('.graph').waitFor()
  t.is(await copy.locator('.graph-item').count(), 11)
  t.is(await copy.locator('.problem').count(), 0)
  await item(copy, '#Relu_1').click()
  await copy.getByText('This is a saved copy').waitFor()
  t.deepEqual(problems, [])
})

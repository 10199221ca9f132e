import { load } from 'onnsight'
import { TensorProto_DataType as OnnxType } from '#dist/runtime/onnx/schema/onnx_pb.js'
import { graph, model, node, saved, value } from '../model/hand-graph.ts'
import { Random, stored } from '../names/stored.ts'
import { start, testsAt } from './in-chromium.ts'
import { settled, shows, statisticsOf, textOf } from './page.ts'

// Tests the page on a value of 12 million numbers: it is read in part until all is asked for.

const [WIDTH, TOKENS, VOCABULARY] = [2, 300, 40_000]
const random = new Random(3)
const path = saved(
  model(
    graph({
      nodes: [
        node('Gather', ['embeddings', 'input_ids'], ['hidden'], { axis: 0 }, '/wte/Gather'),
        node('MatMul', ['hidden', 'head'], ['logits'], {}, '/lm_head/MatMul'),
      ],
      inputs: [value('input_ids', OnnxType.INT64, ['batch', 'sequence'])],
      outputs: ['logits'],
      initializers: [
        stored('embeddings', [8, WIDTH], random.floats(8 * WIDTH)),
        stored('head', [WIDTH, VOCABULARY], random.floats(WIDTH * VOCABULARY)),
      ],
    }),
  ),
)
const at = testsAt(await start([path], () => load(path)))
const ids = Array.from({ length: TOKENS }, (_, i) => (i * i) % 8)

at(
  'a value with very many numbers is read around the chosen token, and whole when that is asked for',
  { tab: 'module', module: 'lm_head', ids: ids.join(' ') },
  async (t, page) => {
    const read = await load(path)
    t.teardown(() => read.release())
    const rows = async (from: number, count: number) => {
      const found = await read.trace([ids], m => {
        const part = m.lm_head.output.narrow(1, from, count)
        return { min: part.amin(), max: part.amax(), mean: part.mean() }
      })
      return Object.fromEntries(Object.entries(found).map(([name, tensor]) => [name, Number(tensor.item())]))
    }
    const shown = async () => statisticsOf(page)
    const fits = async (from: number, count: number): Promise<void> => {
      await settled(page)
      const [found, expected] = [await shown(), await rows(from, count)]
      for (const name of ['min', 'max', 'mean']) t.true(shows(found[name], expected[name]), `${name} of ${from}`)
    }
    // The last token is chosen at first.
    const note = page.getByText(/^Of tokens/)
    t.regex(await textOf(note), /^Of tokens 288 to 299: with all 300 it takes longer\.$/)
    await fits(288, 12)
    await page.locator('.token').nth(50).click()
    await page.getByText('Of tokens 48 to 95').waitFor()
    await fits(48, 48)
    t.regex(await textOf(page.locator('#line-title')), /^Token 50/)
    const map = page.getByRole('application', { name: /^Activation, 48 by 40000/ })
    await map.focus()
    await page.keyboard.press('ArrowDown')
    t.regex(await textOf(page.locator('.readout').first()), /^token 49/)
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: /^Token 49/ }).waitFor()
    await page.getByRole('button', { name: 'Read all 300 tokens' }).click()
    await page.getByRole('application', { name: /^Activation, 300 by 40000/ }).waitFor()
    t.is(await note.count(), 0)
    t.regex(page.url(), /rows=all/)
    await fits(0, TOKENS)
  },
)

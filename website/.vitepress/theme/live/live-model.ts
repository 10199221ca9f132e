import { withBase } from 'vitepress'
import { defineComponent, h, ref, shallowRef, type VNode } from 'vue'
import type { Guess, Lens, LiveModel, Part } from './lens.ts'

const EXAMPLE = 'What light through yon'
/** More do not fit into the page, and the model knows 128. */
const MAX_LENGTH = 60

/** What is shown: the lens, and that of the whole model beside it. */
interface Shown {
  readonly text: string
  readonly off: readonly Part[]
  readonly lens: Lens
  readonly whole: Lens
  readonly code: string
}

/** The example model in the reader's own browser: a prompt, what each layer would predict, and parts that can be set to 0. */
export const LiveModelBox = defineComponent({
  name: 'LiveModel',
  setup() {
    const share = ref<number>()
    const model = shallowRef<LiveModel>()
    const text = ref(EXAMPLE)
    const off = shallowRef<readonly Part[]>([])
    const shown = shallowRef<Shown>()
    const problem = ref('')
    let isRunning = false

    /** Runs until what is shown is what was asked for last: one run at a time. */
    async function run(): Promise<void> {
      if (isRunning || !model.value) return
      isRunning = true
      const { codeOf } = await import('./lens.ts')
      for (;;) {
        const [prompt, parts] = [text.value, off.value]
        try {
          const whole = await model.value.lens(prompt, [])
          const lens = parts.length === 0 ? whole : await model.value.lens(prompt, parts)
          shown.value = { text: prompt, off: parts, lens, whole, code: codeOf(prompt, parts) }
          problem.value = ''
        } catch (error) {
          problem.value = (error as Error).message.split('\n')[0]
        }
        if (prompt === text.value && parts === off.value) break
      }
      isRunning = false
    }

    async function start(): Promise<void> {
      share.value = 0
      try {
        const { openModel } = await import('./lens.ts')
        const url = new URL(withBase('/live'), location.href).href
        model.value = await openModel(url, part => {
          share.value = part
        })
        await run()
      } catch (error) {
        problem.value = `The model could not be loaded: ${(error as Error).message.split('\n')[0]}`
        share.value = undefined
      }
    }

    const isOff = ({ layer, name }: Part): boolean => off.value.some(part => part.layer === layer && part.name === name)

    const toggle = (part: Part): void => {
      off.value = isOff(part)
        ? off.value.filter(({ layer, name }) => layer !== part.layer || name !== part.name)
        : [...off.value, part].sort((a, b) => a.layer - b.layer || a.name.localeCompare(b.name))
      void run()
    }

    const partsOf = (layer: number): VNode[] =>
      (['attn', 'mlp'] as const).map(name =>
        h(
          'button',
          {
            type: 'button',
            'aria-pressed': isOff({ layer, name }),
            onClick: () => toggle({ layer, name }),
          },
          `${name === 'attn' ? 'attention' : 'MLP'} ${layer}`,
        ),
      )

    return () => {
      if (!model.value)
        return h('div', { class: 'live' }, [
          h('p', { class: 'live-start' }, [
            h(
              'button',
              { type: 'button', class: 'live-run', disabled: share.value !== undefined, onClick: () => void start() },
              'Run it in this page',
            ),
            share.value === undefined
              ? h(
                  'span',
                  'A model of 0.8 million parameters that writes like Shakespeare: 3.5 MB, and onnxruntime-web.',
                )
              : h('progress', { max: 1, value: share.value, 'aria-label': 'Fetching the model' }),
          ]),
          problem.value === '' ? null : h('p', { role: 'alert' }, problem.value),
        ])
      return h('div', { class: 'live' }, [
        h('label', { class: 'live-prompt' }, [
          'Prompt',
          h('input', {
            type: 'text',
            value: text.value,
            maxlength: MAX_LENGTH,
            spellcheck: false,
            autocomplete: 'off',
            onInput: (event: Event) => {
              text.value = (event.target as HTMLInputElement).value
              void run()
            },
          }),
        ]),
        h('div', { class: 'live-parts', role: 'group', 'aria-label': 'Parts that are set to 0' }, [
          h('span', 'Set to 0:'),
          ...Array.from({ length: model.value.layers }, (_, layer) => partsOf(layer)).flat(),
        ]),
        problem.value === '' ? null : h('p', { role: 'alert' }, problem.value),
        ...(shown.value
          ? [
              h('p', { class: 'live-says' }, sentence(shown.value)),
              table(shown.value),
              h('pre', { class: 'live-code', tabindex: 0 }, shown.value.code),
            ]
          : []),
      ])
    }
  },
})

const sentence = ({ off }: Shown): string =>
  off.length === 0
    ? 'What the model would say next after each layer: the likeliest letter.'
    : 'What it would say without these parts; framed where that is another letter.'

/** What each layer would predict: tokens across, layers down. What differs from the whole model is marked. */
function table({ lens, whole }: Shown): VNode {
  return h('div', { class: 'live-lens', tabindex: 0, role: 'region', 'aria-label': 'Logit lens' }, [
    h('table', [
      h(
        'thead',
        h('tr', [
          h('th', { scope: 'col' }, 'layer'),
          ...lens.tokens.map(token => h('th', { scope: 'col' }, visible(token))),
        ]),
      ),
      h(
        'tbody',
        lens.layers.map((guesses, layer) =>
          h('tr', [
            h('th', { scope: 'row' }, String(layer)),
            ...guesses.map((guess, i) => cell(guess, whole.layers[layer][i])),
          ]),
        ),
      ),
    ]),
  ])
}

const cell = ({ text, probability }: Guess, before: Guess): VNode =>
  h(
    'td',
    {
      class: text === before.text ? undefined : 'is-changed',
      style: { '--share': probability.toFixed(3) },
      title: `${Math.round(100 * probability)} %`,
    },
    visible(text),
  )

/** A letter that can be seen, where it is a space or a line break. */
const visible = (text: string): string => text.replaceAll(' ', '␣').replaceAll('\n', '⏎')

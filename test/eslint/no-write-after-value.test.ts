import test from 'ava'
import { inTime, late } from './late-programs.ts'
import { head, outcome } from './programs.ts'
import { runRule } from './testers.ts'

runRule('no-write-after-value', inTime, late, head)

/* Compares the rule with real runs. */

for (const { name, code } of late) {
  test.serial(`throws OutOfOrderError: ${name}`, async t => {
    t.is(await outcome(code, `late ${name}`), 'out-of-order')
  })
}

for (const { name, code, throws } of inTime) {
  test.serial(`does not throw it: ${name}`, async t => {
    t.is(await outcome(code, `in time ${name}`), throws)
  })
}

const block = (body: string): string => `import { trace } from 'onnsight/trace.macro'
await trace(model, inputs, async m => {
  ${body}
})
`

runRule(
  'no-write-after-value',
  [
    {
      name: 'a list that is named in no option',
      code: block('await m.net.stages[2].output.value(); m.net.stages[1].output = 0'),
    },
    {
      name: 'options take the place of what is there else',
      code: block('await m.h[2].output.value(); m.h[1].output = 0'),
      options: [{ lists: ['stages'] }],
    },
    { name: 'lists beside each other', code: block('await m.encoder.h[2].output.value(); m.decoder.h[1].output = 0') },
    {
      name: 'a part of a layer may depend on nothing before',
      code: block('await m.h[2].attn.rotary.output.value(); m.h[1].output = 0'),
    },
    { name: 'the model’s own output may be several', code: block('await m.output.value(); m.h[1].output = 0') },
    { name: 'another list', code: block('await m.experts[2].output.value(); m.experts[1].output = 0') },
    { name: 'layers from the end', code: block('await m.h.at(-1).output.value(); m.h.at(-2).output = 0') },
  ],
  [
    {
      name: 'a list that an option names',
      code: block('await m.net.stages[2].output.value(); m.net.stages[1].output = 0'),
      options: [{ lists: ['stages'] }],
      errors: ['late:3'],
    },
    {
      name: 'a head that an option names',
      code: block('await m.score.output.value(); m.model.layers[1].mlp.output = 0'),
      options: [{ heads: ['score'] }],
      errors: ['late:3'],
    },
  ],
)

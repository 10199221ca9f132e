import type { Case, InvalidCase } from './testers.ts'

const block = (body: string): string => `await trace(model, inputs, async () => {
${body}
  return model.lm_head.output
})
`

/** Each of these programs throws OutOfOrderError. */
export const late: readonly InvalidCase[] = [
  ...Object.entries({
    'a later layer': ['await model.transformer.h[2].output.value()', 'model.transformer.h[1].output = 0'],
    'what comes out of a layer, and what goes into it': [
      'await model.transformer.h[1].output.value()',
      'model.transformer.h[1].input = 0',
    ],
    'what goes into a module inside': [
      'await model.transformer.h[1].mlp.output.value()',
      'model.transformer.h[1].mlp.input = 0',
    ],
    'what comes out of a layer, and a part of it': [
      'await model.transformer.h[1].output.value()',
      'model.transformer.h[1].mlp.output = 0',
    ],
    'a part of an earlier layer': [
      'await model.transformer.h[2].output.value()',
      'model.transformer.h[0].attn.c_proj.output = 0',
    ],
    'what goes into an earlier layer': [
      'await model.transformer.h[2].output.value()',
      'model.transformer.h[0].input = 0',
    ],
    'what goes into a layer, and a part of the one before': [
      'await model.transformer.h[1].input.value()',
      'model.transformer.h[0].mlp.output = 0',
    ],
    'what goes into a layer, and what goes into the one before': [
      'await model.transformer.h[1].input.value()',
      'model.transformer.h[0].input = 0',
    ],
    'what goes into a layer, and what comes out of the one before the last': [
      'await model.transformer.h[2].input.value()',
      'model.transformer.h[0].output = 0',
    ],
    'what goes into a layer, and what comes out of the one before': [
      'await model.transformer.h[1].input.value()',
      'model.transformer.h[0].output = 0',
    ],
    'the head, and a layer': ['await model.lm_head.output.value()', 'model.transformer.h[3].output = 0'],
    'the head, and what goes into it': ['await model.lm_head.output.value()', 'model.lm_head.input = 0'],
    'an operation on the value': [
      'const norm = await model.lm_head.output.sub(1).norm().value()',
      'model.transformer.h[1].output = norm',
    ],
    'an operator on the value': ['await (2 * model.lm_head.output).value()', 'model.transformer.h[1].output = 0'],
    'in constants': [
      'const x = model.lm_head.output; const layer = model.transformer.h[1]; await x.value()',
      'layer.output = 0',
    ],
    'the last position, for which the model computes less': [
      "await model.lm_head.output.slice('0, -1').value()",
      'model.transformer.h[3].mlp.output = 0',
    ],
    print: ["print('logits', model.lm_head.output.mean())", 'model.transformer.h[1].output = 0'],
    assert: ['assert(model.lm_head.output.isfinite())', 'model.transformer.h[1].output = 0'],
    'set()': ['await model.lm_head.output.value()', "model.transformer.h[1].output.set(':, -1', 0)"],
    '+=': ['await model.lm_head.output.value()', 'model.transformer.h[1].output += 1'],
    'a write under a condition': [
      'await model.lm_head.output.value()',
      'if (inputs) { model.transformer.h[1].output = 0 }',
    ],
    'a write in a loop': [
      'await model.lm_head.output.value()',
      'for (const x of [0, 1]) model.transformer.h[1].output = x',
    ],
    'layers by at()': ['await model.transformer.h.at(2).output.value()', 'model.transformer.h.at(1).output = 0'],
  }).map(([name, [forced, write]]) => ({ name, code: block(`  ${forced}\n  ${write}`), errors: ['late:3'] })),
  {
    name: 'a condition',
    code: block('  if (model.lm_head.output.mean().lt(1e9)) model.transformer.h[1].output = 0'),
    errors: ['late:2'],
  },
  {
    name: 'a condition, and a write after it',
    code: block('  if (model.lm_head.output.mean() > 1e9) console.log(1)\n  model.transformer.h[1].output = 0'),
    errors: ['late:3'],
  },
  {
    name: 'the block’s parameter and the model are the same',
    code: `await trace(model, inputs, async m => {
  await m.lm_head.output.value()
  model.transformer.h[1].output = 0
})
`,
    errors: ['late:3'],
  },
  {
    name: 'without the macro',
    code: `await model.trace(inputs, async m => {
  await m.lm_head.output.value()
  m.transformer.h[1].output = 0
})
`,
    errors: ['late:3'],
  },
  {
    name: 'each write that is too late',
    code: block(
      '  await model.lm_head.output.value()\n  model.transformer.h[1].output = 0\n  model.transformer.h[2].output = 0',
    ),
    errors: ['late:3', 'late:4'],
  },
  {
    name: 'in TypeScript',
    typed: true,
    code: block(
      "  await (model.lm_head.output as import('onnsight').Tensor).value()\n  model.transformer.h[1]!.output = 0 as never",
    ),
    errors: ['late:3'],
  },
]

/** These programs do not throw it. */
export const inTime: readonly (Case & { readonly throws?: string })[] = [
  ...Object.entries({
    'what is read is written: nothing has read it yet':
      'const x = await model.transformer.h[1].output.value()\n  model.transformer.h[1].output = x.mul(2)',
    'the same of a part':
      'const x = await model.transformer.h[1].mlp.output.value()\n  model.transformer.h[1].mlp.output = x.mul(2)',
    'what goes in': 'await model.transformer.h[1].input.value()\n  model.transformer.h[1].input = 0',
    'a later layer': 'await model.transformer.h[1].output.value()\n  model.transformer.h[2].output = 0',
    'a part of a later layer': 'print(model.transformer.h[1].output.mean())\n  model.transformer.h[2].mlp.output = 0',
    'the write comes first': 'model.transformer.h[1].output = 0\n  await model.lm_head.output.value()',
    'nothing is forced': 'const x = model.lm_head.output\n  model.transformer.h[1].output = x.dims[0]',
    'a handle is shown': 'console.log(model.lm_head.output)\n  model.transformer.h[1].output = 0',
    'dims are printed': 'print(model.lm_head.output.dims)\n  model.transformer.h[1].output = 0',
    'a write between cuts it off':
      'model.transformer.h[2].output = 0\n  await model.lm_head.output.value()\n  model.transformer.h[1].output = 0',
    'a skip cuts it off':
      'skip(model.transformer.h[2], 0)\n  await model.lm_head.output.value()\n  model.transformer.h[1].output = 0',
    'a write that is never reached':
      'await model.lm_head.output.value()\n  const late = () => { model.transformer.h[1].output = 0 }\n  void late',
    'a plain condition': 'if (model.lm_head.output.dims.length > 9) return 1\n  model.transformer.h[1].output = 0',
    'what is forced in a branch':
      'if (!inputs) await model.lm_head.output.value()\n  else model.transformer.h[1].output = 0',
    'one branch forces, the other writes':
      'if (!inputs) { await model.lm_head.output.value() }\n  model.transformer.h[1].output = 0',
    'a short circuit': '!inputs && await model.lm_head.output.value()\n  model.transformer.h[1].output = 0',
    'an unknown layer':
      'const i = 1\n  await model.transformer.h[i].output.value()\n  model.transformer.h[i + 1].output = 0',
    'another write':
      'const other = { transformer: { h: [0, { output: 1 }] } }\n  await model.lm_head.output.value()\n  other.transformer.h[1].output = 0',
  }).map(([name, body]) => ({ name, code: block(`  ${body}`) })),
  {
    name: 'two traces',
    code: `await trace(model, inputs, async () => { await model.lm_head.output.value() })
await trace(model, inputs, () => { model.transformer.h[1].output = 0 })
`,
  },
  {
    name: 'a standing edit cuts it off',
    code: `const calm = edit(model, m => { m.transformer.h[2].output = 0 })
await trace(calm, inputs, async () => {
  await calm.lm_head.output.value()
  calm.transformer.h[1].output = 0
})
`,
  },
  {
    name: 'a standing edit of the model itself',
    code: `edit(model, { inplace: true }, m => { m.transformer.h[2].output = 0 })
await trace(model, inputs, async () => {
  await model.lm_head.output.value()
  model.transformer.h[1].output = 0
})
`,
  },
  {
    name: 'experts, heads and other lists whose modules do not run one after the other',
    code: `await trace(model, inputs, async m => {
  await m.experts[2].output.value()
  m.experts[1].output = 0
})
`,
    throws: 'unknown-module',
  },
]

import type { Case, InvalidCase } from './testers.ts'

/** Each of these programs throws NotSavedError. */
export const unsaved: readonly InvalidCase[] = [
  {
    name: 'a value is read',
    code: `let h
await trace(model, inputs, () => {
  h = model.transformer.h[1].output
})
h.data
`,
    errors: ['assigned:3', 'used:5'],
    fixed: `let h
await trace(model, inputs, () => {
  h = save(model.transformer.h[1].output)
})
h.data
`,
  },
  {
    name: 'every member that reads a value',
    code: `let h
const logits = await trace(model, inputs, () => {
  h = model.transformer.h[1].output
  return model.lm_head.output
})
logits.data
const list = h.tolist()
console.log(h.item())
await h.value()
h.softmax(-1)
h.T
h.split(2, -1)
`,
    errors: ['assigned:3', 'used:7', 'used:8', 'used:9', 'used:10', 'used:11', 'used:12'],
  },
  {
    name: 'the block’s parameter',
    code: `let h
await trace(model, inputs, m => {
  h = m.transformer.h[1].input
})
h.data
`,
    errors: ['assigned:3', 'used:5'],
  },
  {
    name: 'operators and methods',
    code: `let a, b
await trace(model, inputs, () => {
  a = 2 * -model.transformer.h[1].output + 1
  b = model.transformer.h[1].output.mean(-1).sqrt().T
})
a.data
b.data
`,
    errors: ['assigned:3', 'assigned:4', 'used:6', 'used:7'],
  },
  {
    name: 'modules and values in constants',
    code: `const layers = model.transformer.h
let h
await trace(model, inputs, () => {
  const layer = layers[1].mlp
  const x = layer.output
  h = x.mul(2)
  return x
})
h.data
`,
    errors: ['assigned:6', 'used:9'],
  },
  {
    name: 'an operation, a parameter, a module that is applied',
    code: `let a, b, c, d
await trace(model, inputs, () => {
  a = model.transformer.h[0].attn.ops.Softmax[0].output
  b = model.transformer.wte.weights.weight.mul(1)
  c = model.lm_head(model.transformer.ln_f(model.transformer.h[1].output))
  d = model.transformer.h.at(2).child('mlp').output
})
a.data
b.data
c.data
d.data
`,
    errors: ['assigned:3', 'assigned:4', 'assigned:5', 'assigned:6', 'used:8', 'used:9', 'used:10', 'used:11'],
  },
  {
    name: 'another read of the same place is saved',
    code: `let h
await trace(model, inputs, () => {
  h = model.transformer.h[1].output
  save(model.transformer.h[1].output)
  return h.mul(2)
})
h.data
`,
    errors: ['assigned:3', 'used:7'],
  },
  {
    name: 'uses in the block that do not save it',
    code: `let h
await trace(model, inputs, () => {
  h = model.transformer.h[1].output
  print(h.mean())
  assert(h.isfinite())
  if (h.max().gt(1e9)) return 1
  model.transformer.h[2].output = h.mul(2)
  model.transformer.h[3].mlp.output.set('..., 0:4', h.slice('..., 0:4'))
  console.log(h.dims)
  return (h + 1).sum()
})
h.data
`,
    errors: ['assigned:3', 'used:12'],
  },
  {
    name: 'one of two is saved',
    code: `let a, b
await trace(model, inputs, () => {
  a = save(model.transformer.h[0].output)
  b = model.transformer.h[1].output
})
a.data
b.data
`,
    errors: ['assigned:4', 'used:7'],
  },
  {
    name: 'several assignments, none of them saved',
    code: `let h
await trace(model, inputs, () => {
  h = model.transformer.h[0].output
  for (const layer of model.transformer.h) h = layer.output
})
h.data
`,
    errors: ['assigned:3', 'assigned:4', 'used:6'],
    fixed: `let h
await trace(model, inputs, () => {
  h = save(model.transformer.h[0].output)
  for (const layer of model.transformer.h) h = save(layer.output)
})
h.data
`,
  },
  {
    name: 'a use in the block of a later trace',
    code: `let h
await trace(model, inputs, () => {
  h = model.transformer.h[1].output
})
await trace(model, inputs, () => {
  model.transformer.h[2].output = h.mul(2)
})
`,
    errors: ['assigned:3', 'used:6'],
  },
  {
    name: 'an invoke in the block',
    code: `let h
await trace(model, () => {
  invoke([[1, 2]], () => {
    h = model.transformer.h[1].output
  })
  return [invoke([[3, 4]], () => model.lm_head.output)]
})
h.data
`,
    errors: ['assigned:4', 'used:8'],
  },
  {
    name: 'in a function, and in a loop',
    code: `async function read() {
  for (const id of [1, 2]) {
    let h
    await trace(model, [[id]], () => {
      h = model.transformer.h[1].output
    })
    if (id > 0) console.log(h.data)
  }
}
await read()
`,
    errors: ['assigned:5', 'used:7'],
  },
  {
    name: 'a variable that is used in each turn, and set after it',
    code: `let h
for (let i = 0; i < 2; i++) {
  await trace(model, inputs, () => {
    h = model.transformer.h[1].output
  })
  h.data
  h = undefined
}
`,
    errors: ['assigned:4', 'used:6'],
  },
  {
    name: 'chained and nested blocks',
    code: `let a, b
await trace(model, inputs, () => {
  {
    a = b = model.transformer.h[1].output
  }
})
a.data
`,
    errors: ['assigned:4', 'used:7'],
  },
  {
    name: 'the names of the imports don’t matter',
    code: `import { trace as look, save as keep } from 'onnsight/trace.macro'
let a, h
await look(model, inputs, () => {
  a = keep(model.transformer.h[0].output)
  h = model.transformer.h[1].output
})
a.data
h.data
`,
    errors: ['assigned:5', 'used:8'],
  },
  {
    name: 'without the macro',
    code: `let h
await model.trace(inputs, m => {
  h = m.transformer.h[1].output.mul(2)
})
h.data
`,
    errors: ['assigned:3', 'used:5'],
    fixed: undefined,
  },
  {
    name: 'values and nodes by name',
    code: `let a
await trace(model, inputs, () => {
  a = model.tensor(model.tensorNames[5])
})
a.tolist()
`,
    errors: ['assigned:3', 'used:5'],
  },
  {
    name: 'in TypeScript',
    typed: true,
    code: `import type { Tensor } from 'onnsight'
let h!: Tensor
let g: Tensor | undefined
await trace(model, inputs, () => {
  h = model.transformer.h[1].output as Tensor
  g = model.transformer.h[2].output!
})
h.data
g!.data
;(g as unknown as Tensor).tolist()
`,
    errors: ['assigned:5', 'assigned:6', 'used:8', 'used:9', 'used:10'],
  },
]

/** These programs do not throw it, or not with certainty. */
export const fine: readonly (Case & { readonly throws?: string })[] = [
  ...Object.entries({
    'saved where it is assigned': 'h = save(model.transformer.h[1].output)',
    'saved later': 'h = model.transformer.h[1].output; save(h)',
    'saved in a list': 'h = model.transformer.h[1].output; save([h])',
    returned: 'h = model.transformer.h[1].output; return h',
    'returned in an object': 'h = model.transformer.h[1].output; return { a: [h] }',
    'returned through an operation that changes nothing': 'h = model.transformer.h[1].output; return h.float()',
    'the same handle is saved': 'const x = model.transformer.h[1].output; h = x; save(x)',
    'the same handle is saved, through an operation that changes nothing':
      'const x = model.transformer.h[1].output; h = x.float(); return x',
    'in a list that is returned': 'const all = []; h = model.transformer.h[1].output; all.push(h); return all',
    'given to a function': 'const keep = x => save(x); h = model.transformer.h[1].output; keep(h)',
    'a plain value': 'h = { data: model.transformer.h[1].output.dims }',
    'a value that is there': 'h = await model.transformer.h[1].output.value()',
    'saved by a closure': 'const keep = () => save(h); h = model.transformer.h[1].output; keep()',
    'a value of a name': 'h = { data: model.signature }',
    'from a list': '[h] = save([model.transformer.h[1].output])',
  }).map(([name, body]) => ({
    name,
    code: `let h\nawait trace(model, inputs, ${body.includes('await') ? 'async ' : ''}() => { ${body} })\nh.data\n`,
  })),
  {
    name: 'a block that is an expression returns its value',
    code: 'let h\nawait trace(model, inputs, () => (h = model.transformer.h[1].output))\nh.data\n',
  },
  {
    name: 'members that need no value',
    code: `let h
await trace(model, inputs, () => { h = model.transformer.h[1].output })
console.log(h.dims, h.type, h.rank, h.size, String(h), h)
`,
  },
  {
    name: 'set again before it is used',
    code: `let h
await trace(model, inputs, () => { h = model.transformer.h[1].output })
h = { data: 1 }
h.data
`,
  },
  {
    name: 'used before the trace',
    code: `let h = { data: 1 }
h.data
await trace(model, inputs, () => { h = model.transformer.h[1].output })
`,
  },
  {
    name: 'assigned under a condition',
    code: `let h = { data: 1 }
await trace(model, inputs, () => { if (model.length > 99) h = model.transformer.h[1].output })
h.data
`,
    // The rule does not know how many layers the model has.
    throws: 'any',
  },
  {
    name: 'a block that may end before the assignment',
    code: `let h = { data: 1 }
await trace(model, inputs, () => { if (inputs) return; h = model.transformer.h[1].output })
h.data
let g = { data: 1 }
await trace(model, inputs, () => { stop(); g = model.transformer.h[1].output })
g.data
`,
  },
  {
    name: 'a trace in a trace, where values stay usable',
    code: `await trace(model, inputs, async () => {
  let h
  await trace(model, inputs, () => { h = model.transformer.h[1].output })
  model.transformer.h[2].output = h.mul(2)
})
`,
  },
  {
    name: 'a trace in a session',
    code: `await session(model, async () => {
  let h
  await trace(model, inputs, () => { h = model.transformer.h[1].output })
  h.data
})
`,
  },
  {
    name: 'a program that expects the error',
    code: `let h
await trace(model, inputs, () => { h = model.transformer.h[1].output })
try { h.data } catch {}
const throws = body => { try { body() } catch {} }
throws(() => h.data)
const rejects = promise => promise.catch(() => undefined)
await rejects(h.value())
`,
  },
  {
    name: 'code that checks h.computed first',
    code: `let h
await trace(model, inputs, () => { h = model.transformer.h[1].output })
if (h.computed) h.data
`,
  },
  {
    name: 'a function that a session calls',
    code: `async function read() {
  let h
  await trace(model, inputs, () => { h = model.transformer.h[1].output })
  return h.mul(2)
}
await session(model, async () => {
  const x = await (await read()).value()
  return x.dims
})
`,
  },
  {
    name: 'a function that stops the block',
    code: `const end = () => stop()
let h = { data: 1 }
await trace(model, inputs, () => { end(); h = model.transformer.h[1].output })
h.data
`,
  },
  {
    name: 'a backend of the user, which may not run the block',
    code: `const backend = { run: async () => undefined }
let h = { data: 1 }
await trace(model, inputs, { backend }, () => { h = model.transformer.h[1].output })
h.data
`,
  },
  {
    name: 'a trace that may not run',
    code: `let h = { data: 1 }
if (!inputs) await trace(model, inputs, () => { h = model.transformer.h[1].output })
h.data
inputs || await trace(model, inputs, () => { h = model.transformer.h[1].output })
h.data
`,
  },
  {
    name: 'another function that sets it',
    code: `let h
const reset = () => { h = { data: 1 } }
await trace(model, inputs, () => { h = model.transformer.h[1].output })
reset()
h.data
`,
  },
  {
    name: 'a function named trace that is not onnsight’s',
    code: `const mine = async (_model, block) => block()
let h
await mine(model, () => { h = { output: { data: 1 } }.output })
h.data
const other = { trace: async block => block({ a: { b: { output: { data: 1 } } } }) }
await other.trace(m => { h = m.a.b.output })
h.data
`,
  },
  {
    name: 'a variable of the same name in the block',
    code: `let h = { data: 1 }
await trace(model, inputs, () => { let h; h = model.transformer.h[1].output })
h.data
`,
  },
  {
    name: 'a scan has no values, and another error',
    code: `let h
await scan(model, inputs, () => { h = model.transformer.h[1].output })
h.data
`,
    throws: 'scanned',
  },
]

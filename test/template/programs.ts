import fc from 'fast-check'

// Makes random programs on the character model, each written in the template language and as the body of an arrow function.

export interface Written {
  readonly template: string
  readonly arrow: string
}

const place = fc
  .tuple(
    fc.integer({ min: 0, max: 3 }),
    fc.constantFrom('.output', '.mlp.output', '.attn.output', '.ln_2.output', '.mlp.input'),
  )
  .map(([layer, rest]): Written => {
    const path = `transformer.h[${layer}]${rest}`
    return { template: path, arrow: `model.${path}` }
  })
const number = fc.constantFrom('2', '0.5', '3', '1.25')
const scalar = fc.oneof(
  number,
  fc.tuple(number, fc.constantFrom('+', '*', '/', '-'), number).map(([a, op, b]) => `(${a} ${op} ${b})`),
)
const hole = fc.constant<Written>({ template: '${}', arrow: 'given' })
const slice = fc.constantFrom('...', ':, -1', '..., 0:64', ':, 1:3, ::2', '0', ':, [0, 2]', '..., -5')

const { expression } = fc.letrec<{ expression: Written }>(tie => ({
  expression: fc.oneof(
    { maxDepth: 3 },
    place,
    fc.constant<Written>({ template: 'kept', arrow: 'kept' }),
    fc
      .tuple(tie('expression'), fc.constantFrom('+', '-', '*', '/', '**'), fc.oneof(scalar.map(same), hole))
      .map(([a, op, b]) => ({
        template: `(${a.template} ${op} ${b.template})`,
        arrow: `(${a.arrow} ${op} ${b.arrow})`,
      })),
    fc.tuple(tie('expression'), fc.constantFrom('+', '-', '*'), tie('expression')).map(([a, op, b]) => ({
      template: `(${a.template} ${op} ${b.template})`,
      arrow: `(${a.arrow} ${op} ${b.arrow})`,
    })),
    fc.tuple(fc.constantFrom('tanh', 'relu', 'sigmoid', 'abs', 'exp'), tie('expression')).map(([name, a]) => ({
      template: `${name}(${a.template})`,
      arrow: `${a.arrow}.${name}()`,
    })),
    fc.tuple(fc.constantFrom(-1, 1, 2), tie('expression')).map(([dim, a]) => ({
      template: `softmax(${a.template}, dim=${dim})`,
      arrow: `${a.arrow}.softmax(${dim})`,
    })),
    tie('expression').map(a => ({
      template: `${a.template}.mean(-1, keepdim=True)`,
      arrow: `${a.arrow}.mean(-1, { keepdim: true })`,
    })),
    tie('expression').map(a => ({ template: `(-${a.template})`, arrow: `(-(${a.arrow}))` })),
  ),
}))

function same(text: string): Written {
  return { template: text, arrow: text }
}

export const statement = fc.oneof(
  fc
    .tuple(place, expression)
    .map(([to, a]) => ({ template: `${to.template} = ${a.template}`, arrow: `${to.arrow} = ${a.arrow}` })),
  fc.tuple(place, fc.constantFrom('+', '*', '-', '/'), scalar).map(([to, op, a]) => ({
    template: `${to.template} ${op}= ${a}`,
    arrow: `${to.arrow} ${op}= ${a}`,
  })),
  fc.tuple(place, slice, scalar).map(([to, at, a]) => ({
    template: `${to.template}[${at}] = ${a}`,
    arrow: `${to.arrow}.set(s\`${at}\`, ${a})`,
  })),
  fc.tuple(place, slice, fc.constantFrom('+', '*'), scalar).map(([to, at, op, a]) => ({
    template: `${to.template}[${at}] ${op}= ${a}`,
    arrow: `${to.arrow}.set(s\`${at}\`, ${to.arrow}.slice(s\`${at}\`) ${op} ${a})`,
  })),
  expression.map(a => ({ template: `kept = ${a.template}`, arrow: `kept = ${a.arrow}` })),
  fc.tuple(place, expression).map(([to, a]) => ({
    template: `for layer in transformer.h[1:3]\n    layer.mlp.output *= 0.5\n    ${to.template} = ${a.template}`,
    arrow: `for (const layer of model.transformer.h.slice(1, 3)) { layer.mlp.output *= 0.5; ${to.arrow} = ${a.arrow} }`,
  })),
  fc.constant<Written>({ template: 'skip transformer.h[1]', arrow: 'skip(model.transformer.h[1])' }),
  fc.constant<Written>({
    template: 'skip transformer.h[2].mlp = kept',
    arrow: 'skip(model.transformer.h[2].mlp, kept)',
  }),
)

/** The value of each `${…}`. */
export const given = new Float32Array(128).map((_, i) => Math.sin(i))
export const start: Written = {
  template: 'kept = transformer.h[0].output',
  arrow: 'let kept = model.transformer.h[0].output',
}
export const end: Written = {
  template: 'save kept\n  save logits = lm_head.output\n  save last = transformer.h[3].output[:, -1]',
  arrow: 'return { kept, logits: model.lm_head.output, last: model.transformer.h[3].output.slice(s`:, -1`) }',
}

import { type Model, invoke as plainInvoke, type Tensor } from 'onnsight'
import { edit, generate, invoke, scan, session, trace } from 'onnsight/trace.macro'

export const a = { input_ids: [[18, 47, 56, 57]] }
export const b = { input_ids: [[1, 2, 3, 4]] }

const pause = () => new Promise(resolve => setTimeout(resolve, 1))

/** Doubles the output of a layer, in the trace in which it is called. */
type Work = () => unknown

export interface Opened {
  readonly form: string
  readonly kind: string
  readonly logits: Tensor
}

/** Ways to open a trace on `a` by plain functions, which the macro has not seen. Each returns the logits after `work`. */
const plain = (model: Model): Record<string, (work: Work) => Promise<Tensor>> => ({
  'model.trace': work =>
    model.trace(a, async m => {
      await work()
      return m.lm_head.output
    }),
  'model.trace, late': work =>
    model.trace(a, async m => {
      await pause()
      await work()
      await pause()
      return m.lm_head.output
    }),
  'model.generate': async work => {
    const { values } = await model.generate(a, { maxNewTokens: 2 }, async (m, step) => {
      if (step > 0) return
      await work()
      return m.lm_head.output
    })
    return values[0] as Tensor
  },
  'model.session': work =>
    model.session(async m =>
      m.trace(a, async inner => {
        await work()
        return inner.lm_head.output
      }),
    ),
  'model.edit': async work => {
    const edited = model.edit(async () => {
      await work()
    })
    return edited.trace(a, m => m.lm_head.output)
  },
  'model.trace with invokes': async work => {
    const [, second] = await model.trace(async m => [
      await plainInvoke(b, async () => m.lm_head.output),
      await plainInvoke(a, async () => {
        await work()
        return m.lm_head.output
      }),
    ])
    return second
  },
})

/** Writes every kind of function in a block, and calls it in traces that are opened in that block in every way. */
export async function nested(
  model: Model,
  without: readonly string[] = [],
): Promise<{ opened: Opened[]; outer: Tensor; dims: unknown[] }> {
  const opened: Opened[] = []
  const dims: unknown[] = []
  const double = () => {
    model.transformer.h[1].output = model.transformer.h[1].output.mul(2)
  }
  const outer = await trace(model, b, async () => {
    const yes = (): Tensor => model.transformer.h[0].output.isfinite().all()
    const no = (): Tensor => model.transformer.h[0].output.gt(1e9).any()
    const arrow = async () => {
      await pause()
      double()
    }
    async function declared() {
      await pause()
      double()
    }
    class Worker {
      static async still() {
        await pause()
        double()
      }
      async method() {
        await pause()
        double()
      }
      async #hidden() {
        await pause()
        double()
      }
      open() {
        return this.#hidden()
      }
      get later() {
        return (async () => {
          await pause()
          double()
        })()
      }
      field = async () => {
        await pause()
        double()
      }
    }
    const worker = new Worker()
    async function* generator() {
      await pause()
      yield 1
      await pause()
      double()
      yield 2
    }
    const whileTrue = async () => {
      let n = 0
      while (yes() && n < 1) n++
      double()
    }
    // The generator begins here, and continues in an inner trace.
    const begun = (async function* () {
      try {
        for (;;) {
          yield pause()
          double()
        }
      } finally {
        await pause()
      }
    })()
    await begun.next()
    const kinds: Record<string, Work> = {
      arrow,
      declared,
      // biome-ignore lint/complexity/useArrowFunction: the kind that is meant
      'function expression': async function () {
        await pause()
        double()
      },
      'static method': Worker.still,
      method: () => worker.method(),
      'private method': () => worker.open(),
      getter: () => worker.later,
      field: worker.field,
      'object method': {
        async go() {
          await pause()
          double()
        },
      }.go,
      'made by a function': (makes => makes())(() => async () => {
        await pause()
        double()
      }),
      'async generator': async () => {
        for await (const _ of generator());
      },
      'async generator, asked by hand': async () => {
        const items = generator()
        await items.next()
        await items.next()
      },
      'async generator that was begun outside': () => begun.next(),
      'Promise.all': () => Promise.all([pause(), arrow()]),
      'then()': () => pause().then(double),
      'in try': async () => {
        try {
          await Promise.reject(new Error('on purpose'))
        } catch {
          double()
        }
      },
      'in finally': async () => {
        try {
          await pause()
        } finally {
          double()
        }
      },
      'after for await': async () => {
        for await (const _ of [pause(), pause()]);
        double()
      },
      'in for await': async () => {
        for await (const i of [0, 1]) if (i === 1) double()
      },
      'after if': async () => {
        if (yes()) double()
      },
      'after while': whileTrue,
      'after &&': async () => {
        yes() && double()
      },
      'after ||': async () => {
        no() || double()
      },
      'after ?:': async () => {
        yes() ? double() : undefined
      },
      'after value()': async () => {
        await yes().value()
        double()
      },
    }
    for (const [kind, work] of Object.entries(kinds)) {
      if (without.includes(kind)) continue
      for (const [form, open] of Object.entries(plain(model))) opened.push({ form, kind, logits: await open(work) })
      opened.push({
        form: 'trace',
        kind,
        logits: await trace(model, a, async () => {
          await work()
          return model.lm_head.output
        }),
      })
      const { values } = await generate(model, a, { maxNewTokens: 2 }, async (m, step) => {
        if (step > 0) return
        await work()
        return m.lm_head.output
      })
      opened.push({ form: 'generate', kind, logits: values[0] as Tensor })
      opened.push({
        form: 'session',
        kind,
        logits: await session(model, async () =>
          trace(model, a, async () => {
            await work()
            return model.lm_head.output
          }),
        ),
      })
      const edited = edit(model, async () => {
        await work()
      })
      opened.push({ form: 'edit', kind, logits: await trace(edited, a, () => edited.lm_head.output) })
      const [, invoked] = await trace(model, () => [
        invoke(b, () => model.lm_head.output),
        invoke(a, async () => {
          await work()
          return model.lm_head.output
        }),
      ])
      opened.push({ form: 'invoke', kind, logits: invoked })
      if (!/after (if|while|&&|\|\||\?:|value)/.test(kind))
        dims.push(
          await scan(model, a, async () => {
            await work()
            return [...model.lm_head.output.dims]
          }),
          await model.scan(a, async m => {
            await work()
            return [...m.lm_head.output.dims]
          }),
        )
    }
    return model.lm_head.output
  })
  return { opened, outer, dims }
}

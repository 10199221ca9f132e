/** A form that captures a block, and what stands before the block. */
export interface Form {
  readonly name: 'trace' | 'scan' | 'edit' | 'generate' | 'session' | 'invoke'
  /** What the block's call looks like, for messages. */
  readonly usage: string
  /** The same with a template; undefined where none can stand. */
  readonly templateUsage: string | undefined
  /** Arguments before the block, at most. */
  readonly most: number
  /** The arguments in words. */
  readonly takes: string
}

const traced = (name: 'trace' | 'scan'): Form => ({
  name,
  usage: `${name}(model, inputs, () => …)`,
  templateUsage: `${name}(model, inputs)\`…\``,
  most: 3,
  takes: 'a model, inputs, options',
})

export const forms: Readonly<Record<string, Form>> = {
  trace: traced('trace'),
  scan: traced('scan'),
  edit: {
    name: 'edit',
    usage: 'edit(model, () => …)',
    templateUsage: 'edit(model)`…`',
    most: 2,
    takes: 'a model, options',
  },
  generate: {
    name: 'generate',
    usage: 'generate(model, inputs, { maxNewTokens: 20 }, (model, step) => …)',
    templateUsage: 'generate(model, inputs, { maxNewTokens: 20 })`…`',
    most: 3,
    takes: 'a model, inputs, options',
  },
  session: {
    name: 'session',
    usage: 'session(model, async () => …)',
    templateUsage: undefined,
    most: 1,
    takes: 'a model',
  },
}

/** An invoke's block is a function of the trace around it, and is compiled with it; its template stands alone. */
export const invokeForm: Form = {
  name: 'invoke',
  usage: 'invoke(inputs, () => …)',
  templateUsage: 'invoke(inputs)`…`',
  most: 1,
  takes: 'inputs',
}

/** What needs no rewriting but the name of the module that it comes from. */
export const plainForms = [
  'save',
  'stop',
  'skip',
  'cache',
  'invoke',
  'barrier',
  'print',
  'assert',
  'iter',
  'all',
  'next',
] as const

/** How many arguments they take, at most; print() takes any number. */
export const mostArguments: Readonly<Record<string, number>> = {
  save: 1,
  stop: 0,
  skip: 2,
  cache: 1,
  invoke: 2,
  barrier: 1,
  assert: 2,
  iter: 2,
  all: 1,
  next: 0,
}

/** Of those, the ones that run the model: in a block they are awaited by themselves. */
export const awaitedForms = ['print', 'assert', 'next'] as const

/** Names that are promised for later versions. */
export const laterForms = ['grad'] as const

export const knownForms: readonly string[] = [...Object.keys(forms), ...plainForms, 's']

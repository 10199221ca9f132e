/** A form of the macro that captures a block. */
export interface Form {
  readonly name: 'trace' | 'scan' | 'edit' | 'generate' | 'session' | 'invoke'
  /** How the form is called with a block, for messages. */
  readonly usage: string
  /** How it is called with a template, for messages; undefined if it takes none. */
  readonly templateUsage: string | undefined
  /** The most arguments before the block. */
  readonly most: number
  /** The arguments before the block, in words. */
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

/**
 * `invoke` as a form with a template. Its block belongs to the block of the trace and is compiled with it, while its template is compiled
 * alone.
 */
export const invokeForm: Form = {
  name: 'invoke',
  usage: 'invoke(inputs, () => …)',
  templateUsage: 'invoke(inputs)`…`',
  most: 1,
  takes: 'inputs',
}

/** Functions for which the macro only rewrites the module from which they are imported. */
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

/** The most arguments that each of them takes; print() takes any number. */
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

/** The forms that run the model. In a block, the macro awaits them. */
export const awaitedForms = ['print', 'assert', 'next'] as const

/** Functions of onnsight itself that people look for in the macro, because other libraries have them beside `trace`. */
export const plainFunctions = ['grad', 'valueAndGrad', 'jvp', 'withGrad', 'detach'] as const

export const knownForms: readonly string[] = [...Object.keys(forms), ...plainForms, 's']

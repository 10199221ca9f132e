import fc from 'fast-check'
import { isList, type Part } from './array.ts'
import type { Gpt2 } from './gpt2.ts'

/** A dim of a value. B and T are the dims of the inputs. */
export type Size = number | 'B' | 'T'

/** A number, a vector of this length, or an earlier value, or a part of that. */
export type Operand =
  | number
  | { readonly vector: number }
  | { readonly value: number; readonly parts?: readonly Part[] }

/** A statement of a program. Each value has a number, and is made once. */
export type Statement =
  | { readonly kind: 'read'; readonly place: string; readonly to: number }
  | { readonly kind: 'unary'; readonly name: string; readonly of: number; readonly to: number; readonly width?: number }
  | { readonly kind: 'binary'; readonly name: string; readonly of: readonly [number, number]; readonly to: number }
  | { readonly kind: 'slice'; readonly of: number; readonly parts: readonly Part[]; readonly to: number }
  | { readonly kind: 'apply'; readonly module: string; readonly of: number; readonly to: number }
  | { readonly kind: 'write'; readonly place: string; readonly value: Operand }
  | { readonly kind: 'set'; readonly place: string; readonly parts: readonly Part[]; readonly value: Operand }
  | { readonly kind: 'skip'; readonly module: string; readonly value: Operand | undefined }

export interface Prompt {
  readonly ids: readonly (readonly number[])[]
  readonly statements: readonly Statement[]
  /** The numbers of the values that the block returns. */
  readonly wanted: readonly number[]
}

export interface Program {
  /** The blocks of the standing edits. */
  readonly edits: readonly (readonly Statement[])[]
  readonly prompts: readonly Prompt[]
  /** The position of each value on the way through the model. It is computed from values at the same or earlier positions. */
  readonly depths: ReadonlyMap<number, number>
  readonly places: readonly string[]
}

const kinds = [
  'read',
  'read',
  'unary',
  'binary',
  'mean',
  'slice',
  'apply',
  'write',
  'write',
  'set',
  'set',
  'skip',
] as const

interface Raw {
  readonly kind: (typeof kinds)[number]
  readonly picks: readonly [number, number, number]
}

const raw: fc.Arbitrary<Raw> = fc.record({
  kind: fc.constantFrom(...kinds),
  picks: fc.tuple(fc.nat(9999), fc.nat(9999), fc.nat(9999)),
})
const prompt = fc.record({
  batch: fc.integer({ min: 1, max: 2 }),
  length: fc.integer({ min: 3, max: 5 }),
  seed: fc.nat(999),
  statements: fc.array(raw, { minLength: 1, maxLength: 12 }),
  wanted: fc.array(fc.nat(9999), { minLength: 1, maxLength: 3 }),
})

/** Generates valid programs: they only read and write values that exist, and no value depends on itself. */
export const programFor = (gpt2: Gpt2): fc.Arbitrary<Program> => {
  const places = placesOf(gpt2)
  return fc
    .record({
      edits: fc.array(fc.array(raw, { minLength: 1, maxLength: 5 }), { maxLength: 2 }),
      prompts: fc.oneof(
        { weight: 3, arbitrary: fc.array(prompt, { minLength: 1, maxLength: 1 }) },
        { weight: 1, arbitrary: fc.array(prompt, { minLength: 2, maxLength: 3 }) },
      ),
    })
    .map(({ edits, prompts }) => {
      const writer = new Writer(gpt2, places, prompts.length > 1)
      const blocks = edits.map(block => writer.block(block))
      const base = writer.state
      return {
        edits: blocks,
        prompts: prompts.map(({ batch, length, seed, statements, wanted }) => {
          writer.state = { skipped: [...base.skipped], written: [...base.written] }
          writer.enter(batch, length)
          const block = writer.block(statements)
          const last = writer.read(['output', 'lm_head.output', 'transformer.output'][seed % 3])
          const own = [...writer.made]
          return {
            ids: Array.from({ length: batch }, (_, row) =>
              Array.from({ length }, (_, i) => (seed * 7 + row * 31 + i * i * 5) % gpt2.vocabulary),
            ),
            statements: [...block, last],
            wanted: [...new Set([...wanted.map(pick => own[pick % own.length]), own.at(-1)!])],
          }
        }),
        depths: writer.depths,
        places,
      }
    })
}

/** The places, in the order in which values pass them. */
function placesOf(gpt2: Gpt2): string[] {
  const places: string[] = []
  gpt2.run([[0]], (place, value) => {
    places.push(place)
    return value
  })
  return places
}

const slices: readonly {
  readonly parts: readonly Part[]
  readonly gives: (dims: readonly Size[]) => Size[] | undefined
}[] = [
  { parts: [{}, -1], gives: ([first, , ...rest]) => [first, ...rest] },
  { parts: [{}, 1], gives: ([first, , ...rest]) => [first, ...rest] },
  { parts: [{}, { start: -1 }], gives: ([first, , ...rest]) => [first, 1, ...rest] },
  { parts: [{}, { start: 0, stop: 1 }], gives: ([first, , ...rest]) => [first, 1, ...rest] },
  { parts: [{}, { start: 1, stop: 3 }], gives: ([first, , ...rest]) => [first, 2, ...rest] },
  { parts: [{}, { step: -1 }], gives: dims => [...dims] },
  { parts: [{ step: -1 }], gives: dims => [...dims] },
  { parts: [0], gives: ([, ...rest]) => rest },
  { parts: [-1, { start: 1, stop: 3 }], gives: ([, , ...rest]) => [2, ...rest] },
  { parts: [{}, {}, { start: 0, stop: 2 }], gives: ([first, second, , ...rest]) => [first, second, 2, ...rest] },
  { parts: [{}, [2, 0, 1, 0]], gives: ([first, , ...rest]) => [first, 4, ...rest] },
  { parts: [{}, [-1]], gives: ([first, , ...rest]) => [first, 1, ...rest] },
  { parts: [{}, {}, [2, 0]], gives: ([first, second, , ...rest]) => [first, second, 2, ...rest] },
  { parts: [{}, { start: 1 }], gives: () => undefined },
  { parts: [{}, { step: 2 }], gives: () => undefined },
  { parts: [{}, {}, { start: 1, step: 2 }], gives: () => undefined },
]

interface Made {
  readonly value: number
  readonly dims: readonly Size[]
  readonly depth: number
}

class Writer {
  state: { skipped: string[]; written: string[] } = { skipped: [], written: [] }
  readonly depths = new Map<number, number>()
  /** The values that this prompt has made. */
  made: number[] = []
  #values: Made[] = []
  #next = 0
  #sizes: { readonly B: number; readonly T: number } | undefined
  readonly #gpt2: Gpt2
  readonly #places: readonly string[]
  readonly #areSeveral: boolean

  constructor(gpt2: Gpt2, places: readonly string[], areSeveral: boolean) {
    this.#areSeveral = areSeveral
    this.#gpt2 = gpt2
    this.#places = places
  }

  /** Begins a prompt. Values of other prompts stay, with numbers for their dims. Values of edits can't be used outside of these. */
  enter(batch: number, length: number): void {
    const sizes = this.#sizes
    this.#values = sizes
      ? this.#values.map(value => ({
          ...value,
          dims: value.dims.map(dim => (dim === 'B' ? sizes.B : dim === 'T' ? sizes.T : dim)),
        }))
      : []
    this.#sizes = { B: batch, T: length }
    this.made = []
  }

  /** The sizes that values must fit. There are none for a single prompt, whose statements are valid for inputs of all dims. */
  get #sizesToFit(): { readonly B: number; readonly T: number } | undefined {
    return this.#areSeveral ? this.#sizes : undefined
  }

  block(statements: readonly Raw[]): Statement[] {
    if (!this.#sizes) this.#values = []
    return statements.flatMap(each => this.#statement(each) ?? [])
  }

  read(place: string): Statement {
    return { kind: 'read', place, to: this.#make(this.#dimsOf(place), this.#places.indexOf(place)) }
  }

  #statement({ kind, picks: [a, b, c] }: Raw): Statement | undefined {
    const pick = <T>(list: readonly T[], by: number): T | undefined => list[by % list.length]
    const of = pick(this.#values, a)
    const readable = this.#places.filter(place => this.#isThere(place, 'read'))
    if (kind === 'write' || kind === 'set') return this.#write(kind, a, b, c)
    if (kind === 'skip') return this.#skip(a, b)
    if (kind === 'read' || !of) return this.read(pick(readable, a)!)
    const to = (dims: readonly Size[], depth = of.depth): number => this.#make(dims, depth)
    switch (kind) {
      case 'unary': {
        const name = pick(
          ['tanh', 'neg', 'sigmoid', 'relu', 'abs', 'half', 'more', 'softmax', 'steered', 'turned', 'mixed'],
          b,
        )!
        if (name === 'steered' && typeof of.dims.at(-1) !== 'number') return undefined
        if (name === 'turned' && of.dims[1] !== 'T') return undefined
        if (name === 'mixed' && (of.dims.length !== 3 || typeof of.dims[2] !== 'number')) return undefined
        const width = of.dims.at(-1)!
        return { kind, name, of: of.value, to: to(of.dims), ...(typeof width === 'number' && { width }) }
      }
      case 'mean': {
        const axis = b % of.dims.length
        return { kind: 'unary', name: `mean${axis}`, of: of.value, to: to(of.dims.map((d, i) => (i === axis ? 1 : d))) }
      }
      case 'binary': {
        const other = pick(
          this.#values.filter(({ dims }) => fits(dims, of.dims, this.#sizesToFit)),
          b,
        )!
        const name = pick(['add', 'sub', 'maximum', 'mul', 'chosen'], c)!
        const depth = Math.max(of.depth, other.depth)
        return { kind, name, of: [of.value, other.value], to: to(of.dims, depth) }
      }
      case 'slice': {
        const { parts, gives } = pick(slices, b)!
        const dims = cuts(parts, of.dims) ? gives(of.dims) : undefined
        return dims && { kind, of: of.value, parts, to: to(dims) }
      }
      case 'apply': {
        if (of.dims.length !== 3 || of.dims[2] !== this.#gpt2.width) return undefined
        const layer = b % this.#gpt2.layers
        const modules = ['', '.ln_1', '.attn', ...(this.#gpt2.hasMlp ? ['.ln_2', '.mlp'] : [])].map(
          name => `h.${layer}${name}`,
        )
        const module = pick(['lm_head', 'ln_f', ...modules], c)!
        const dims = module === 'lm_head' ? [...of.dims.slice(0, 2), this.#gpt2.vocabulary] : of.dims
        return { kind, module, of: of.value, to: to(dims) }
      }
    }
  }

  #write(kind: 'write' | 'set', a: number, b: number, c: number): Statement | undefined {
    const places = this.#places.filter(place => this.#isThere(place, 'write'))
    const { parts, gives } = slices[b % slices.length]
    // Half of the written values are numbers, and the others were computed before.
    const number = ((c % 7) - 3) / 2
    const isWhole = kind === 'write'
    const own = this.#values[(c >> 1) % (this.#values.length || 1)]
    const dimsAt = (place: string): readonly Size[] | undefined =>
      isWhole ? this.#dimsOf(place) : cuts(parts, this.#dimsOf(place)) ? gives(this.#dimsOf(place)) : undefined
    if (c % 2 === 0 && own && (isWhole || !parts.some(part => isList(part) && new Set(part).size < part.length))) {
      const later = places.filter(place => this.#places.indexOf(place) >= own.depth)
      // Either the same slice of a value with the place's dims is written, or a value with the dims of the slice.
      const fitting = later.filter(
        place =>
          (!isWhole && cuts(parts, this.#dimsOf(place)) && String(own.dims) === String(this.#dimsOf(place))) ||
          fits(own.dims, dimsAt(place) ?? [], this.#sizesToFit),
      )
      const place = fitting[a % (fitting.length || 1)]
      if (place === undefined) return undefined
      this.state.written.push(place)
      if (isWhole) return { kind: 'write', place, value: { value: own.value } }
      const isSame = String(own.dims) === String(this.#dimsOf(place))
      return { kind: 'set', place, parts, value: isSame ? { value: own.value, parts } : { value: own.value } }
    }
    const place = places[a % places.length]
    if (!isWhole && parts.some(part => isList(part) && new Set(part).size < part.length)) return undefined
    if (!isWhole && !cuts(parts, this.#dimsOf(place))) return undefined
    this.state.written.push(place)
    const width = this.#dimsOf(place).at(-1)!
    if (isWhole && typeof width === 'number' && c % 3 === 0) return { kind: 'write', place, value: { vector: width } }
    return isWhole ? { kind: 'write', place, value: number } : { kind: 'set', place, parts, value: number }
  }

  #skip(a: number, b: number): Statement | undefined {
    const modules = this.#places
      .filter(place => /\.(\d|attn|mlp|ln_\w)\.output$/.test(place) && this.#isThere(place, 'write'))
      .map(place => place.replace(/\.output$/, ''))
      .filter(module => !this.state.written.some(place => place.startsWith(`${module}.`) && !isBoundary(place, module)))
    const module = modules[a % modules.length]
    if (module === undefined) return undefined
    this.state.written.push(`${module}.output`)
    this.state.skipped.push(module)
    const depth = this.#places.indexOf(`${module}.output`)
    const values = this.#values.filter(
      value => value.depth <= depth && fits(value.dims, ['B', 'T', this.#gpt2.width], this.#sizesToFit),
    )
    const own = values[b % (values.length || 1)]
    return { kind: 'skip', module, value: b % 3 === 0 ? undefined : b % 3 === 1 || !own ? 0.5 : { value: own.value } }
  }

  #isThere(place: string, use: 'read' | 'write'): boolean {
    // A weight has no rows that belong to one prompt.
    if (this.#areSeveral && place.includes('.weights.')) return false
    return this.state.skipped.every(
      module =>
        !place.startsWith(`${module}.`) ||
        place === `${module}.output` ||
        (use === 'read' && place === `${module}.input`),
    )
  }

  #make(dims: readonly Size[], depth: number): number {
    const value = this.#next++
    this.#values.push({ value, dims, depth })
    this.depths.set(value, depth)
    this.made.push(value)
    return value
  }

  #dimsOf(place: string): readonly Size[] {
    if (/weights/.test(place)) return [widthAt(place, this.#gpt2)]
    if (/Softmax|MatMul/.test(place)) return ['B', 4, 'T', 'T']
    return ['B', 'T', widthAt(place, this.#gpt2)]
  }
}

function widthAt(place: string, { width, vocabulary }: Gpt2): number {
  if (/^(lm_head\.)?output$/.test(place)) return vocabulary
  if (/c_attn\.(output|weights)/.test(place)) return 3 * width
  return /c_fc\.(output|weights)|\.act\.|mlp\.c_proj\.input/.test(place) ? 4 * width : width
}

const isBoundary = (place: string, module: string): boolean => /^\.(in|out)put$/.test(place.slice(module.length))

/** Whether `dims` broadcast to the other dims. */
function fits(dims: readonly Size[], to: readonly Size[], sizes: { B: number; T: number } | undefined): boolean {
  const number = (dim: Size): Size => (typeof dim === 'number' || !sizes ? dim : sizes[dim])
  return dims.length === to.length && dims.every((dim, i) => dim === 1 || number(dim) === number(to[i]))
}

/** Whether a slice only names elements along open axes, or along a long last axis. */
function cuts(parts: readonly Part[], dims: readonly Size[]): boolean {
  const isWhole = (part: Part): boolean => typeof part === 'object' && !isList(part) && Object.keys(part).length === 0
  return (
    dims.length >= parts.length &&
    parts.every((part, axis) => isWhole(part) || dims[axis] === 'B' || dims[axis] === 'T' || Number(dims[axis]) >= 3)
  )
}

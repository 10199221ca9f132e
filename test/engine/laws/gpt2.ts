import { readFileSync } from 'node:fs'
import { fromBinary } from '@bufbuild/protobuf'
import { ModelProtoSchema } from '#dist/runtime/onnx/schema/onnx_pb.js'
import { arrayOf, linear, map, type NumberArray, rows, softmax, zip } from './array.ts'

/** Called where a value passes the boundary of a module or of an operation, which is a place to read and to write. */
export type Gate = (place: string, value: () => NumberArray) => () => NumberArray

/** A module without its surroundings, as a function of a value. */
export type Applied = (x: NumberArray) => NumberArray

const HEADS = 4

/**
 * GPT-2 by its definition, on the weights of a file, whose nodes are not read. Each value passes the gates on its way, in their order, and is
 * computed when somebody asks for it.
 */
export class Gpt2 {
  readonly layers: number
  readonly width: number
  readonly vocabulary: number
  readonly hasMlp: boolean
  readonly #weights: ReadonlyMap<string, NumberArray>

  constructor(path: string) {
    const { graph } = fromBinary(ModelProtoSchema, readFileSync(path))
    this.#weights = new Map(
      graph!.initializer
        .filter(({ dataType }) => dataType === 1)
        .map(({ name, dims, rawData }) => [
          /MatMul/.test(name) ? 'lm_head' : name,
          arrayOf(dims.map(Number), new Float32Array(Uint8Array.from(rawData).buffer)),
        ]),
    )
    const names = [...this.#weights.keys()]
    this.layers = names.filter(name => name.endsWith('ln_1.weight')).length
    this.hasMlp = names.some(name => name.includes('mlp'))
    ;[this.vocabulary, this.width] = this.#weight('transformer.wte.weight').dims
  }

  /** The function of a module, for an application. */
  apply(module: string): Applied {
    if (module === 'lm_head') return x => linear(x, this.#weight('lm_head'))
    const path = `transformer.${module}`
    const through =
      (part: (x: () => NumberArray, gate: Gate) => () => NumberArray): Applied =>
      x =>
        part(
          () => x,
          (_, value) => once(value),
        )()
    if (/ln_\w$/.test(module)) return x => this.#norm(path, x)
    if (module.endsWith('attn')) return through((x, gate) => this.#attention(path, x, gate))
    if (module.endsWith('mlp')) return through((x, gate) => this.#mlp(path, x, gate))
    return through((x, gate) => this.#layer(path, x, gate))
  }

  /** The logits for these token ids. The last gate is that of the model's own output. */
  run(ids: readonly (readonly number[])[], gate: Gate): () => NumberArray {
    const embed = (name: string, of: (id: number, position: number) => number): NumberArray => {
      const table = this.#weight(name)
      const data = ids.flatMap(row =>
        row.flatMap((id, i) => [...table.data.subarray(of(id, i) * this.width, (of(id, i) + 1) * this.width)]),
      )
      return arrayOf([ids.length, ids[0].length, this.width], data)
    }
    const tokens = gate('transformer.wte.output', () => embed('transformer.wte.weight', id => id))
    const places = once(() => embed('transformer.wpe.weight', (_, i) => i))
    let x = gate('transformer.h.input', () => sum(tokens(), places()))
    for (let i = 0; i < this.layers; i++) {
      const path = `transformer.h.${i}`
      x = gate(`${path}.output`, this.#layer(path, gate(`${path}.input`, x), gate))
    }
    x = gate('transformer.ln_f.input', gate('transformer.h.output', x))
    const normed = x
    x = gate('transformer.ln_f.output', () => this.#norm('transformer.ln_f', normed()))
    const last = gate('lm_head.input', gate('transformer.output', x))
    return gate(
      'output',
      gate('lm_head.output', () => linear(last(), this.#weight('lm_head'))),
    )
  }

  #layer(path: string, x: () => NumberArray, gate: Gate): () => NumberArray {
    const norm = (name: string, from: () => NumberArray): (() => NumberArray) => {
      const into = gate(`${path}.${name}.input`, from)
      return gate(`${path}.${name}.output`, () => this.#norm(`${path}.${name}`, into()))
    }
    const attended = gate(
      `${path}.attn.output`,
      this.#attention(`${path}.attn`, gate(`${path}.attn.input`, norm('ln_1', x)), gate),
    )
    const added = gate(`${path}.ops.Add[0].input`, attended)
    const first = gate(`${path}.ops.Add[0].output`, () => sum(added(), x()))
    if (!this.hasMlp) return first
    const moved = gate(
      `${path}.mlp.output`,
      this.#mlp(`${path}.mlp`, gate(`${path}.mlp.input`, norm('ln_2', first)), gate),
    )
    const residual = gate(`${path}.ops.Add[1].input`, first)
    return gate(`${path}.ops.Add[1].output`, () => sum(residual(), moved()))
  }

  #attention(path: string, x: () => NumberArray, gate: Gate): () => NumberArray {
    const joined = this.#linear(`${path}.c_attn`, x, gate)
    const pattern = gate(`${path}.ops.Softmax[0].output`, () => softmax(scores(joined(), HEADS)))
    const looked = gate(`${path}.ops.MatMul[1].input`, pattern)
    return this.#linear(`${path}.c_proj`, () => mixed(looked(), joined()), gate)
  }

  #mlp(path: string, x: () => NumberArray, gate: Gate): () => NumberArray {
    const into = gate(`${path}.act.input`, this.#linear(`${path}.c_fc`, x, gate))
    const bent = gate(`${path}.act.ops.Tanh[0].output`, () =>
      map(into(), v => Math.tanh(Math.sqrt(2 / Math.PI) * (v + 0.044715 * v ** 3))),
    )
    const active = gate(`${path}.act.output`, () => zip(into(), bent(), (v, t) => 0.5 * v * (1 + t)))
    return this.#linear(`${path}.c_proj`, active, gate)
  }

  #linear(path: string, x: () => NumberArray, gate: Gate): () => NumberArray {
    const bias = gate(`${path}.weights.bias`, () => this.#weight(`${path}.bias`))
    const into = gate(`${path}.input`, x)
    return gate(`${path}.output`, () => linear(into(), this.#weight(`${path}.weight`), bias()))
  }

  #norm(path: string, x: NumberArray): NumberArray {
    const [scale, shift] = [this.#weight(`${path}.weight`).data, this.#weight(`${path}.bias`).data]
    return rows(x, row => {
      const mean = row.reduce((a, b) => a + b, 0) / row.length
      const variance = row.reduce((a, b) => a + (b - mean) ** 2, 0) / row.length
      return row.map((value, i) => ((value - mean) / Math.sqrt(variance + 1e-5)) * scale[i] + shift[i])
    })
  }

  #weight(name: string): NumberArray {
    const weight = this.#weights.get(name)
    if (!weight) throw new Error(`The file has no weight ${name}.`)
    return weight
  }
}

const sum = (a: NumberArray, b: NumberArray): NumberArray => zip(a, b, (x, y) => x + y)

export function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}

/** The scores of queries and keys, [batch, heads, length, length], in which no position sees a later one. */
function scores({ dims: [batch, length, three], data }: NumberArray, heads: number): NumberArray {
  const width = three / 3
  const own = width / heads
  const result = new Float64Array(batch * heads * length * length).fill(-1e30)
  for (let b = 0; b < batch; b++)
    for (let head = 0; head < heads; head++)
      for (let i = 0; i < length; i++)
        for (let j = 0; j <= i; j++) {
          let product = 0
          const [query, key] = [(b * length + i) * three + head * own, (b * length + j) * three + width + head * own]
          for (let k = 0; k < own; k++) product += data[query + k] * data[key + k]
          result[((b * heads + head) * length + i) * length + j] = product / Math.sqrt(own)
        }
  return { dims: [batch, heads, length, length], data: result }
}

/** The values, mixed by the pattern, with the heads side by side: [batch, length, width]. */
function mixed({ dims: [batch, heads, length], data: pattern }: NumberArray, { dims, data }: NumberArray): NumberArray {
  const three = dims[2]
  const width = three / 3
  const own = width / heads
  const result = new Float64Array(batch * length * width)
  for (let b = 0; b < batch; b++)
    for (let head = 0; head < heads; head++)
      for (let i = 0; i < length; i++)
        for (let j = 0; j < length; j++) {
          const weight = pattern[((b * heads + head) * length + i) * length + j]
          const from = (b * length + j) * three + 2 * width + head * own
          const to = (b * length + i) * width + head * own
          for (let k = 0; k < own; k++) result[to + k] += weight * data[from + k]
        }
  return { dims: [batch, length, width], data: result }
}

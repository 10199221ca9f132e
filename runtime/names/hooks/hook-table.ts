import type { Tap } from '../../graph/expression.ts'
import { type Attention, isAttention, type Part } from '../heads/attention.ts'
import type { Attentions } from '../heads/attentions.ts'
import type { Flow } from '../heads/flow.ts'
import type { Taps } from '../taps.ts'
import type { ModuleNode } from '../tree.ts'
import { type Block, findBlocks } from './blocks.ts'
import {
  type EmbeddingValues,
  embeddingValues,
  type FusedNorm,
  inputOfProjection,
  type MlpValues,
  mlpValues,
  type NormValues,
  normBetween,
} from './parts.ts'
import { type BlockValues, followBlock, NOTHING_KNOWN } from './stream.ts'

/** What a hook's name stands for: taps, of which the first is read and all are written, or a part of an attention's heads or of a norm. */
export type HookTarget =
  | {
      readonly kind: 'taps'
      readonly taps: readonly Tap[]
      readonly isPositions?: boolean
      /** The layer's stream, if the value may have the stream's batch and token in one axis. */
      readonly stream?: Tap
    }
  | { readonly kind: 'heads'; readonly attention: Attention; readonly part: Part | 'result' }
  | FusedNormTarget

/** A part of a norm that one node computes. */
export interface FusedNormTarget {
  readonly kind: 'norm'
  readonly norm: FusedNorm
  readonly part: 'scale' | 'normalised'
  /** As for taps. */
  readonly stream?: Tap
}

export interface NoTarget {
  readonly kind: 'none'
  readonly reason: string
}

/** TransformerLens's names for the parts of heads. */
const HEAD_HOOKS: Readonly<Record<string, Part | 'result'>> = {
  hook_q: 'q',
  hook_k: 'k',
  hook_v: 'v',
  hook_rot_q: 'rotQ',
  hook_rot_k: 'rotK',
  hook_attn_scores: 'scores',
  hook_pattern: 'pattern',
  hook_z: 'z',
  hook_result: 'result',
}

const BLOCK_HOOKS = [
  'hook_resid_pre',
  ...['ln1.hook_scale', 'ln1.hook_normalized'],
  ...Object.keys(HEAD_HOOKS).map(name => `attn.${name}`),
  ...['hook_attn_out', 'hook_resid_mid'],
  ...Object.keys(HEAD_HOOKS).map(name => `cross_attn.${name}`),
  ...['ln2.hook_scale', 'ln2.hook_normalized', 'mlp.hook_pre', 'mlp.hook_pre_linear', 'mlp.hook_post', 'hook_mlp_out'],
  ...['hook_resid_post', 'hook_normalized_resid_post'],
]

/** Matches TransformerLens's names for each head's own copy of the stream, which no graph has. */
const COPIES = /^(hook_attn_in|hook_[qkv]_input|hook_mlp_in)$/

/** Finds the values of a model that TransformerLens's hook names stand for (`HookedTransformer.run_with_cache`, transformer-lens 2.16). */
export class HookTable {
  readonly #taps: Taps
  readonly #flow: Flow
  readonly #blocks: readonly Block[]
  readonly #values = new Map<Block, BlockValues>()
  readonly #targets = new Map<string, HookTarget | NoTarget>()

  constructor(taps: Taps, attentions: Attentions) {
    this.#taps = taps
    this.#flow = attentions.flow
    this.#blocks = findBlocks(taps.tree, attentions)
  }

  get layers(): number {
    return this.#blocks.length
  }

  /** The tap of the value that enters or leaves a layer's module. Undefined if names tell no module, or if it has no single such value. */
  layerTap(index: number, side: Tap['direction']): Tap | undefined {
    const layer = this.#blocks[index]?.layer
    return side === 'in' ? this.#inputOf(layer) : this.#outputOf(layer)
  }

  /** All hook names for which the model has a value, in running order. */
  get names(): string[] {
    const inBlocks = this.#blocks.flatMap((_, i) => BLOCK_HOOKS.map(name => `blocks.${i}.${name}`))
    const all = [
      'hook_embed',
      'hook_pos_embed',
      'hook_token_type_embed',
      ...inBlocks,
      'ln_final.hook_scale',
      'ln_final.hook_normalized',
      'hook_logits',
    ]
    return all.filter(name => this.find(name).kind !== 'none')
  }

  find(name: string): HookTarget | NoTarget {
    let target = this.#targets.get(name)
    if (!target) {
      target = this.#find(name)
      this.#targets.set(name, target)
    }
    return target
  }

  #find(name: string): HookTarget | NoTarget {
    const inBlock = /^blocks\.(\d+)\.(.+)$/.exec(name)
    if (this.#blocks.length === 0) return none('the model has no attention from which its layers could be told')
    if (!inBlock) return this.#ofModel(name.replace(/^embed\./, ''))
    const block = this.#blocks[Number(inBlock[1])]
    if (!block) return none(`the model has ${this.layers} layers, blocks.0 to blocks.${this.layers - 1}`)
    const target = this.#ofBlock(block, inBlock[2])
    const { before, isFlat } = this.#valuesOf(block)
    const mayBeFlat = isFlat && before !== undefined && /^(ln2|mlp|hook_mlp_out)/.test(inBlock[2])
    if (!mayBeFlat || target.kind === 'none' || target.kind === 'heads') return target
    return { ...target, stream: this.#taps.tensorTap(before) }
  }

  #ofModel(name: string): HookTarget | NoTarget {
    switch (name) {
      case 'hook_embed': {
        const { tokens } = this.#embeddings
        return tokens === undefined
          ? none('no table is indexed by the token ids before the first layer')
          : this.#at(tokens)
      }
      case 'hook_pos_embed': {
        const { positions } = this.#embeddings
        if (positions === undefined)
          return none('no table of positions is added to the embeddings: positions may be rotary')
        return { kind: 'taps', taps: [this.#outermost(positions)], isPositions: true }
      }
      case 'hook_token_type_embed': {
        const { types } = this.#embeddings
        return types === undefined ? none('the model has no table of segments') : this.#at(types)
      }
      case 'ln_final.hook_scale':
      case 'ln_final.hook_normalized': {
        const norm = this.#finalNorm
        return norm
          ? this.#inNorm(norm, name.endsWith('scale'))
          : none('no norm lies between the last layer and a linear layer that makes the logits')
      }
      case 'hook_logits':
        return this.#logits === undefined
          ? none('the model has no output of scores for tokens')
          : this.#at(this.#logits)
      default:
        return none('no hook of TransformerLens is called so, or it is one of its training and tokenizing')
    }
  }

  #ofBlock(block: Block, name: string): HookTarget | NoTarget {
    const [of, hook] = name.includes('.') ? name.split('.') : ['', name]
    if (of === 'attn' || of === 'cross_attn') return this.#ofHeads(block, of, hook)
    if (of === 'ln1' || of === 'ln2') return this.#ofNorm(block, of, hook)
    const values = this.#valuesOf(block)
    const at = (value: string | undefined, reason: string): HookTarget | NoTarget =>
      value === undefined ? none(this.#why(block) ?? reason) : this.#at(value)
    if (of === 'mlp') {
      if (values.mlp === undefined) return none(this.#why(block) ?? 'the layer has no MLP')
      const mlp = this.#mlpOf(block)
      if (hook === 'hook_pre') return at(mlp?.pre, 'no linear layer lies before an activation of the MLP')
      if (hook === 'hook_pre_linear') return at(mlp?.preLinear, 'the MLP has no gate')
      if (hook === 'hook_post') return at(mlp?.post, 'the layer has no MLP that ends in one linear layer')
    }
    switch (of === '' ? hook : '') {
      case 'hook_resid_pre':
        return this.#before(block, values)
      case 'hook_attn_out':
        return at(values.attention, 'what attention adds to the stream was not found')
      case 'hook_resid_mid':
        return at(values.middle, 'attention and MLP are added to the stream in one sum, with none between them')
      case 'hook_mlp_out':
        return at(values.mlp, 'the layer has no MLP')
      case 'hook_resid_post':
        return at(values.after, 'the stream behind the layer was not found')
      case 'hook_normalized_resid_post': {
        const normalised = values.normalisedMiddle === undefined ? undefined : this.#outputOf(block.layer)
        return normalised && normalised.tensor !== values.after
          ? { kind: 'taps', taps: [normalised] }
          : none('the layer leaves the stream as it is, without a norm: this is BERT’s')
      }
    }
    if (COPIES.test(hook))
      return none('each head’s own copy of the residual stream is not in a graph; hook_resid_pre is what all read')
    return none('no hook of TransformerLens in a block is called so')
  }

  #ofHeads({ attention, cross }: Block, of: string, hook: string): HookTarget | NoTarget {
    const part = HEAD_HOOKS[hook]
    if (!part) return none('no hook of TransformerLens in attention is called so')
    const meant = of === 'attn' ? attention : cross
    if (!meant) return none('the layer has no cross-attention')
    if (!isAttention(meant)) return none(meant.reason)
    const isThere = part === 'result' ? meant.out !== undefined : meant.places.has(part)
    return isThere
      ? { kind: 'heads', attention: meant, part }
      : none(meant.reasons.get(part) ?? 'the graph does not have it')
  }

  #ofNorm(block: Block, which: 'ln1' | 'ln2', hook: string): HookTarget | NoTarget {
    if (hook !== 'hook_scale' && hook !== 'hook_normalized')
      return none('no hook of TransformerLens in a norm is called so')
    const norm = which === 'ln1' ? this.#firstNorm(block) : this.#secondNorm(block)
    if (!norm) return none(this.#why(block) ?? `no norm was found where ${which} is`)
    return this.#inNorm(norm, hook === 'hook_scale')
  }

  #inNorm(norm: NormValues | FusedNorm, isScale: boolean): HookTarget {
    if ('scale' in norm) return this.#at(isScale ? norm.scale : norm.normalised)
    if (norm.isCentred && !isScale) return this.#at(norm.node.outputs[0])
    return { kind: 'norm', norm, part: isScale ? 'scale' : 'normalised' }
  }

  #firstNorm(block: Block): NormValues | FusedNorm | undefined {
    const values = this.#valuesOf(block)
    if (values.middle !== undefined && values.normalisedMiddle !== undefined)
      return normBetween(this.#flow, values.middle, values.normalisedMiddle)
    const query = isAttention(block.attention) ? block.attention.places.get('q')?.value : undefined
    const input = query && inputOfProjection(this.#flow, query)
    return values.before !== undefined && input ? normBetween(this.#flow, values.before, input) : undefined
  }

  #secondNorm(block: Block): NormValues | FusedNorm | undefined {
    const values = this.#valuesOf(block)
    if (values.normalisedMiddle !== undefined) {
      const output = this.#outputOf(block.layer)?.tensor
      return values.after !== undefined && output !== undefined
        ? normBetween(this.#flow, values.after, output)
        : undefined
    }
    const pre = this.#mlpOf(block)?.pre
    const input = pre && inputOfProjection(this.#flow, pre)
    const from = values.middle ?? values.before
    return from !== undefined && input ? normBetween(this.#flow, from, input) : undefined
  }

  #mlpOf(block: Block): MlpValues | undefined {
    const { mlp } = this.#valuesOf(block)
    return mlp === undefined ? undefined : mlpValues(this.#flow, mlp)
  }

  /** The taps at which the layer reads the stream. The same value may be the output of the layer before. */
  #before(block: Block, { before }: BlockValues): HookTarget | NoTarget {
    const tap = this.#inputOf(block.layer)
    if (tap && (before === undefined || tap.tensor === before)) return { kind: 'taps', taps: [tap] }
    if (before === undefined) return none(this.#why(block) ?? 'the stream before the layer was not found')
    const readers = this.#flow.readersOf(before)
    return { kind: 'taps', taps: readers.map(node => this.#taps.nodeTap(node, 'in', before)) }
  }

  #why({ attention }: Block): string | undefined {
    return isAttention(attention) ? attention.reasons.get('result') : attention.reason
  }

  #valuesOf(block: Block): BlockValues {
    let values = this.#values.get(block)
    if (!values) {
      values = isAttention(block.attention)
        ? followBlock(this.#flow, block.attention, block.cross, block.end)
        : NOTHING_KNOWN
      this.#values.set(block, values)
    }
    return values
  }

  get #embeddings(): EmbeddingValues {
    const before = this.find('blocks.0.hook_resid_pre')
    return before.kind === 'taps'
      ? embeddingValues(this.#flow, before.taps[0].tensor)
      : { tokens: undefined, positions: undefined, types: undefined }
  }

  get #finalNorm(): NormValues | FusedNorm | undefined {
    const { after } = this.#valuesOf(this.#blocks[this.#blocks.length - 1])
    const input = this.#logits && inputOfProjection(this.#flow, this.#logits)
    return after !== undefined && input ? normBetween(this.#flow, after, input) : undefined
  }

  /** The output that holds the scores of tokens, which its name tells. */
  get #logits(): string | undefined {
    return this.#flow.graph.outputs.find(({ name }) => /logits|scores/.test(name))?.name
  }

  #at(value: string): HookTarget {
    return { kind: 'taps', taps: [this.#outermost(value)] }
  }

  /** The tap of the outermost module whose output is this value. A read there sees what is written to the outputs of the modules inside it. */
  #outermost(value: string): Tap {
    const node = this.#flow.makerOf(value)
    let tap = this.#taps.tensorTap(value)
    for (let up: ModuleNode | undefined = node && this.#taps.tree.scopeOf(node); up?.parent; up = up.parent) {
      const output = this.#outputOf(up)
      if (output?.tensor === value) tap = output
    }
    return tap
  }

  #inputOf(module: ModuleNode | undefined): Tap | undefined {
    return this.#tapOf(() => module && this.#taps.inputTap(module))
  }

  #outputOf(module: ModuleNode | undefined): Tap | undefined {
    return this.#tapOf(() => module && this.#taps.outputTap(module))
  }

  /** The tap that `find` returns; undefined if it throws, because the module has no value on that side, or several. */
  #tapOf(find: () => Tap | undefined): Tap | undefined {
    try {
      return find()
    } catch {
      return undefined
    }
  }
}

const none = (reason: string): NoTarget => ({ kind: 'none', reason })

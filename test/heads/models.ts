import { load, type Model, type Module } from 'onnsight'
import { isExactInt8 } from '../exact-int8.ts'

/** A model whose attentions are tested, and the places of these. */
export interface Subject {
  readonly file: string
  readonly inputs: Readonly<Record<string, unknown>> | readonly (readonly number[])[]
  readonly heads: number
  /** The module with the linear layer after the heads, and its bias if it has one. */
  attention(model: Model, layer: number): Module
  output(attention: Module): Module
  /** The largest relative difference of sums, because quantised products round. */
  readonly tolerance?: number
}

const ids = [[5, 6, 7, 8, 9]]
const gpt = (m: Model, layer: number): Module => m.transformer.h[layer].attn
const self = (m: Model, layer: number): Module => m.model.layers[layer].self_attn
const fused = (m: Model, layer: number): Module => m.model.layers[layer].attn
const bert = (m: Model, layer: number): Module => m.encoder.layer[layer].attention
const encoded = { input_ids: ids, attention_mask: [[1, 1, 1, 1, 1]], token_type_ids: [[0, 0, 0, 0, 0]] }

/** GPT-2 and Llama forms, encoders, fused and quantised files, classic and dynamo exporters. */
export const subjects: readonly Subject[] = [
  ...['chars', 'chars-scopes', 'chars-cache', 'induction'].map(
    (name): Subject => ({
      file: `models/${name}.onnx`,
      inputs: ids,
      heads: 4,
      attention: gpt,
      output: a => a.c_proj,
    }),
  ),
  {
    file: 'models/chars-fp16.onnx',
    inputs: ids,
    heads: 4,
    attention: gpt,
    output: a => a.c_proj,
    tolerance: 5e-3,
  },
  ...['model', 'model_fp16', 'model_int8'].map(
    (name): Subject => ({
      file: `models/verse/onnx/${name}.onnx`,
      inputs: ids,
      heads: 4,
      attention: self,
      output: a => a.o_proj,
      // A whole product may overflow where those of single heads do not.
      tolerance: name === 'model_int8' ? (isExactInt8 ? 4e-2 : 0.2) : name === 'model_fp16' ? 5e-3 : 1e-4,
    }),
  ),
  {
    file: 'models/verse/onnx/model_q4.onnx',
    inputs: ids,
    heads: 4,
    attention: fused,
    output: a => a.o_proj,
  },
  {
    file: 'exported/llama/genai-int4/model.onnx',
    inputs: ids,
    heads: 4,
    attention: fused,
    output: a => a.o_proj,
    // The products of this model round activations to 8 bits.
    tolerance: 1e-2,
  },
  {
    file: 'exported/bert/classic+int8/model.onnx',
    inputs: encoded,
    heads: 4,
    attention: bert,
    output: a => a.child('output').dense,
    tolerance: 4e-2,
  },
  {
    file: 'exported/bert/classic+optimizer/model.onnx',
    inputs: encoded,
    heads: 4,
    attention: bert,
    output: a => a.child('output').dense,
  },
  {
    file: 'batch/bert.onnx',
    inputs: { input_ids: ids, attention_mask: [[1, 1, 1, 1, 1]] },
    heads: 2,
    attention: bert,
    output: a => a.child('output').dense,
  },
  { file: 'batch/rotary.onnx', inputs: ids, heads: 2, attention: self, output: a => a.o_proj },
]

export const open = (subject: Subject): Promise<Model> => load(`test/fixtures/${subject.file}`)

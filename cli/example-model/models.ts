/** The models in the package's folder examples/models, by the name that the command takes. */
export const exampleModels = {
  chars: {
    files: ['chars.onnx', 'chars.vocab.json'],
    about: 'a GPT-2 of 4 layers and 4 heads, trained on Shakespeare’s characters, with its vocabulary',
  },
  induction: {
    files: ['induction.onnx', 'induction-int8.onnx'],
    about: '2 layers of attention that continue a repeated sequence, and the same in int8',
  },
  llama: {
    files: ['llama-int4.onnx'],
    about: 'a Llama of 3 layers with GroupQueryAttention and weights of 4 bits, not trained',
  },
} as const satisfies Readonly<Record<string, ExampleModel>>

interface ExampleModel {
  readonly files: readonly string[]
  readonly about: string
}

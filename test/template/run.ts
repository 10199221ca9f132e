import { load, type Model, type Tensor, template } from 'onnsight'

export const ids = { input_ids: [[18, 47, 56, 57]] }

let model: Promise<Model> | undefined
export const chars = (): Promise<Model> => {
  model ??= load('test/fixtures/models/chars.onnx')
  return model
}

/** Makes a template from a text, as if it stood between backticks. Each call parses it anew. */
export function templateOf(text: string, values: readonly unknown[] = []) {
  const pieces = text.split('${}')
  const strings = Object.assign([...pieces], { raw: pieces }) as unknown as TemplateStringsArray
  return template(strings, ...values)
}

export async function run(text: string, values: readonly unknown[] = []): Promise<Record<string, Tensor>> {
  return (await chars()).trace(ids, templateOf(text, values))
}

export const bytes = (tensor: Tensor): string =>
  `${tensor.type} ${tensor.dims} ${Buffer.from((tensor.data as Float32Array).buffer).toString('base64')}`

import { create, toBinary } from '@bufbuild/protobuf'
import { type FunctionProto, type ModelProto, ModelProtoSchema } from '../../onnx/schema/onnx_pb.ts'
import type { Provider } from './provider.ts'

/** Domains of onnxruntime's operators. */
const STANDARD = /^$|^ai\.onnx|^com\.microsoft/

/** The model-local functions that onnxruntime ignores, because it has an operator of the same domain and name. */
export async function overriddenFunctions(
  { functions, opsetImport }: ModelProto,
  provider: Provider,
): Promise<FunctionProto[]> {
  const found: FunctionProto[] = []
  for (const fn of functions) {
    if (!STANDARD.test(fn.domain)) continue
    const version = opsetImport.find(({ domain }) => domain === fn.domain)?.version ?? 1n
    if (await hasOperator(provider, fn.domain, fn.name, version)) found.push(fn)
  }
  return found
}

/** Whether onnxruntime has an operator: its error for a node without inputs tells. */
async function hasOperator(provider: Provider, domain: string, opType: string, version: bigint): Promise<boolean> {
  const model = create(ModelProtoSchema, {
    irVersion: 8n,
    opsetImport: [{ domain, version }, ...(domain === '' ? [] : [{ domain: '', version: 17n }])],
    graph: { name: 'probe', node: [{ opType, domain, output: ['y'] }], output: [{ name: 'y' }] },
  })
  const options = { prepack: false, optimize: 'disabled' } as const
  try {
    await (await provider.create({ bytes: toBinary(ModelProtoSchema, model), folder: undefined }, options)).release()
    return true
  } catch (error) {
    return !/not a registered function|No Op registered/.test(String(error))
  }
}

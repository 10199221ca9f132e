import { create, toBinary } from '@bufbuild/protobuf'
import { type FunctionProto, type ModelProto, ModelProtoSchema } from '../../onnx/schema/onnx_pb.ts'
import type { Provider } from './provider.ts'

/** Domains in which onnxruntime has operators. */
const STANDARD = /^$|^ai\.onnx|^com\.microsoft/

/** The model-local functions in whose place onnxruntime runs an operator of its own: it does so with any of the same domain and name. */
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

/** onnxruntime tells whether it knows an operator by what it says of a node without inputs. */
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

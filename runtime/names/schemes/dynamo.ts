import { create } from '@bufbuild/protobuf'
import { StringStringEntryProtoSchema } from '../../onnx/schema/onnx_pb.ts'
import type { NamingScheme } from './scheme.ts'

const SCOPES = 'pkg.torch.onnx.name_scopes'
const CLASSES = 'pkg.torch.onnx.class_hierarchy'

/** What PyTorch 2.15 writes as the scope of nodes outside of all modules, such as those that compute sizes of inputs. */
const OUTSIDE = '_empty_nn_module_stack_from_metadata_hook'

/** torch.onnx.export(dynamo=True): the path is in each node's metadata, as a Python list whose last item is the operation. */
export const dynamo: NamingScheme = {
  name: 'dynamo',
  scopeOf({ proto }) {
    const entry = (key: string): string | undefined => proto.metadataProps.find(item => item.key === key)?.value
    const text = entry(SCOPES)
    if (text === undefined) return undefined
    const scopes = pythonStrings(text).slice(0, -1)
    if (scopes.at(-1) === OUTSIDE) return { path: [] }
    const path = (scopes.at(-1) ?? '').split('.').filter(name => name !== '')
    const classText = entry(CLASSES)
    if (classText === undefined) return { path }
    const classOf = new Map(scopes.map((scope, i) => [scope, pythonStrings(classText)[i]?.split('.').at(-1)]))
    return { path, classes: path.map((_, i) => classOf.get(path.slice(0, i + 1).join('.'))) }
  },
  placeIn(path, name, sibling) {
    const listed = (key: string): string[] =>
      pythonStrings(sibling?.proto.metadataProps.find(item => item.key === key)?.value ?? '').slice(0, -1)
    const known = listed(SCOPES)
    const scopes = known.at(-1) === path.join('.') ? known : path.map((_, i) => path.slice(0, i + 1).join('.'))
    const classes = scopes === known ? listed(CLASSES) : []
    const entry = (key: string, items: readonly string[]) =>
      create(StringStringEntryProtoSchema, { key, value: pythonList([...items, name]) })
    const metadataProps = [entry(SCOPES, scopes.length > 0 ? scopes : [''])]
    if (classes.length > 0) metadataProps.push(entry(CLASSES, classes))
    return { name, metadataProps }
  },
}

/** The strings of a Python list literal: `['', 'transformer', "it's"]`. */
export function pythonStrings(text: string): string[] {
  const strings: string[] = []
  for (const [, single, double] of text.matchAll(/'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"/g)) {
    strings.push((single ?? double).replace(/\\(.)/g, '$1'))
  }
  return strings
}

/** A Python list literal of strings. */
function pythonList(strings: readonly string[]): string {
  return `[${strings.map(text => `'${text.replace(/[\\']/g, '\\$&')}'`).join(', ')}]`
}

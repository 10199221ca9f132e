import type { Model } from '../model/model.ts'
import { HEAD_PARTS } from '../model/modules/heads/heads.ts'
import { handleOf } from '../model/modules/module.ts'
import { functionArguments, methodArguments } from '../tensor/arguments/signatures.ts'
import { Tensor } from '../tensor/tensor.ts'

const moduleMembers = ['output', 'input', 'outputs', 'inputs', 'ops', 'weights', 'heads', 'path', 'length']
const nodeMembers = ['output', 'input', 'outputAt(', 'inputAt(', 'name', 'opType']
const tensorMembers = ['T', 'mT', 'shape', 'dtype', 'ndim', 'size']
const statements = ['save ', 'skip ', 'stop', 'for ', 'print(']

const PATH = /([\p{L}_]\w*(?:\.\w+|\[-?\d+\])*)\.(\w*)$/u

/** Completes the end of a line. Returns the possible words, and the part of the line that they replace. */
export function completeTemplate(
  model: Model,
  variables: ReadonlyMap<string, unknown>,
  line: string,
): [words: string[], part: string] {
  const path = PATH.exec(line)
  if (path) {
    const [, base, part] = path
    return [startingWith(part, membersOf(model, variables, base)), part]
  }
  const part = /[\p{L}_]\w*$/u.exec(line)?.[0] ?? ''
  const isFirst = line.trim() === part
  const operations = [...Object.keys(functionArguments), ...Object.keys(methodArguments)].map(name => `${name}(`)
  const words = [...variables.keys(), ...childrenOf(model), ...(isFirst ? statements : []), ...operations]
  return [startingWith(part, words), part]
}

const startingWith = (part: string, words: readonly string[]): string[] =>
  [...new Set(words)].filter(word => word.startsWith(part))

function membersOf(model: Model, variables: ReadonlyMap<string, unknown>, base: string): string[] {
  if (variables.get(base) instanceof Tensor || /\.(output|input)$/.test(base))
    return [...tensorMembers, ...Object.keys(methodArguments).map(name => `${name}(`)]
  try {
    const ops = /^(.*)\.ops(?:\.(\w+)(\[\d+\])?)?$/.exec(base)
    if (ops?.[3]) return nodeMembers
    if (ops) return Object.keys(model.module(ops[1]).ops)
    if (/\.heads(\[\d+\])?$/.test(base)) return [...HEAD_PARTS]
    const module = model.module(base === 'model' ? '' : base)
    return [...childrenOf(module), ...moduleMembers]
  } catch {
    // The path is not complete yet, so there is no such module.
    return []
  }
}

function childrenOf(module: unknown): string[] {
  const scope = handleOf(module)?.scope
  return scope ? [...scope.children.keys(), ...scope.aliases.keys()] : []
}

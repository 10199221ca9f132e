import { nearestNames } from '../errors/nearest-names.ts'
import type { ModelHandle } from '../model/model.ts'
import { isHeads } from '../model/modules/heads/heads.ts'
import { handleOf, type ModuleHandle } from '../model/modules/module.ts'
import { OperationNode } from '../model/modules/operations.ts'
import { isPlain } from '../tensor/arguments/plain-objects.ts'
import { methodArguments } from '../tensor/arguments/signatures.ts'
import { Tensor } from '../tensor/tensor.ts'
import { toCamelCase } from './arguments.ts'
import { describe } from './arithmetic.ts'
import { TemplateProblem } from './problem.ts'

/** Values or nodes by name, which `.outputs`, `.inputs`, `.weights` and `.ops` stand for. */
export class Named {
  readonly #values: Record<string, unknown>
  readonly #isWritable: boolean

  constructor(values: object, isWritable: boolean) {
    this.#values = values as Record<string, unknown>
    this.#isWritable = isWritable
  }

  get(name: string): unknown {
    return this.#values[name]
  }

  set(name: string, value: unknown): void {
    if (!this.#isWritable)
      throw new TemplateProblem('an operation can’t be assigned', 'assign to its .output or .input')
    this.#values[name] = value
  }
}

/** Something that can be called: an operation on the tensor before the dot, or a member that takes arguments. */
export class Callable {
  readonly name: string
  /** Its arguments, in the form that `signatures.ts` has. */
  readonly declared: string
  readonly run: (...args: unknown[]) => unknown

  constructor(name: string, declared: string, run: (...args: unknown[]) => unknown) {
    this.name = name
    this.declared = declared
    this.run = run
  }
}

const values = new Set(['output', 'input', 'path', 'length'])
const writable = new Set(['outputs', 'inputs', 'weights'])

/** The value of `object.name`. @throws TemplateProblem, or the module's own errors with the nearest names */
export function memberOf(object: unknown, name: string): unknown {
  const handle = handleOf(object)
  if (handle) return ofModule(handle, name)
  if (object instanceof Named) return object.get(name)
  if (object instanceof OperationNode) return ofOperation(object, name)
  if (isHeads(object)) return (object as unknown as Record<string, unknown>)[name]
  if (object instanceof Tensor) return ofTensor(object, name)
  if (Array.isArray(object) && name === 'length') return object.length
  if (isRecord(object) && Object.hasOwn(object, name)) return object[name]
  const existing = isRecord(object) ? Object.keys(object) : []
  throw new TemplateProblem(
    `${describe(object)} has no ${name}`,
    existing.length > 0 ? `it has ${existing.slice(0, 8).join(', ')}` : 'a dot stands behind modules and tensors',
  )
}

/** Assigns to `object.name`. */
export function setMember(object: unknown, name: string, value: unknown): void {
  const handle = handleOf(object)
  if (object instanceof Named) object.set(name, value)
  else if (isHeads(object)) (object as unknown as Record<string, unknown>)[name] = value
  else if ((handle || object instanceof OperationNode) && (name === 'output' || name === 'input')) {
    const target = (handle ?? object) as { output: unknown; input: unknown }
    target[name] = value
  } else {
    const place = handle ? `${handle.path}.${name}` : `.${name} of ${describe(object)}`
    throw new TemplateProblem(
      `${place} can’t be assigned`,
      handle?.has(name) ? `assign to ${place}.output or ${place}.input` : 'assign to .output or .input',
    )
  }
}

function ofModule(handle: ModuleHandle, name: string): unknown {
  if (values.has(name) && !(name === 'length' && handle.has(name)))
    return handle[name as 'output' | 'input' | 'path' | 'length']
  if (writable.has(name)) return new Named(handle[name as 'outputs' | 'inputs' | 'weights'], true)
  if (name === 'ops') return new Named(handle.ops, false)
  if (name === 'child') return new Callable('child', 'name', child => handle.child(String(child)))
  if (handle.has(name)) return handle.child(name)
  if (name === 'heads') return handle.heads
  if (handle.path === '' && (name === 'node' || name === 'tensor')) {
    const root = handle as ModelHandle
    return new Callable(name, 'name', found => root[name](String(found)))
  }
  return handle.child(name)
}

function ofOperation(node: OperationNode, name: string): unknown {
  switch (name) {
    case 'output':
    case 'input':
    case 'name':
    case 'opType':
      return node[name]
    case 'outputAt':
    case 'inputAt':
      return new Callable(name, 'index', index => node[name](index as number))
    default:
      throw new TemplateProblem(
        `a node has no ${name}`,
        'it has output, input, outputAt(1), inputAt(1), name and opType',
      )
  }
}

const properties: Readonly<Record<string, 'T' | 'mT' | 'dims' | 'type' | 'rank' | 'size'>> = {
  ...{ T: 'T', mT: 'mT', dims: 'dims', shape: 'dims', type: 'type', dtype: 'type' },
  ...{ rank: 'rank', ndim: 'rank', size: 'size', numel: 'size' },
}

function ofTensor(tensor: Tensor, name: string): unknown {
  if (Object.hasOwn(properties, name)) return tensor[properties[name]]
  return (
    methodOf(tensor, name) ??
    fail(`a tensor has no ${name}`, nearestNames(name, [...Object.keys(methodArguments), ...Object.keys(properties)]))
  )
}

/** An operation on a tensor, by onnsight's name for it or by PyTorch's; undefined if there is none. */
export function methodOf(tensor: Tensor, name: string): Callable | undefined {
  const own = toCamelCase(name)
  if (!Object.hasOwn(methodArguments, own)) return undefined
  const method = (tensor as unknown as Record<string, (...args: unknown[]) => unknown>)[own]
  return new Callable(name, methodArguments[own], (...args) => method.apply(tensor, args))
}

function fail(message: string, near: readonly string[]): never {
  throw new TemplateProblem(
    message,
    near.length > 0 ? `did you mean ${near.join(', ')}?` : 'see the list of operations',
  )
}

/** Whether a value is a plain object, such as the result of an operation with several results, or the value of a `${…}`. */
function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && isPlain(value)
}
